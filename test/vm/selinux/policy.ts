// The guest's SELinux, from Debian packages that were unpacked and not installed: a policy that Linux loads at boot
// (boot/init.sh), and the label of each file of the disk. The host needs no SELinux for it, nor root.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../process.ts';

/** The compiler of policies, what reads Debian's, and what loads the result and finds labels. */
export const selinuxPackages = [
  'selinux-policy-default',
  'semodule-utils',
  'secilc',
  'policycoreutils',
  'selinux-utils',
];

/** The least that boots: what else Debian's policy has is about programs that the guest does not run. */
const modules = ['base', 'unconfined'];
/** Linux 5.10 and later know this version of the format. */
const policyVersion = 33;
/** boot/init.sh knows it. */
const policyType = 'default';
const containers = join(import.meta.dirname, 'container.cil');

/** The policy, and the labels that it has for files: /etc/selinux below `root`. */
export function makePolicy(root: string, work: string): void {
  const cil = modules.map((name) => {
    const source = join(root, 'usr/share/selinux', policyType, `${name}.pp`);
    const output = join(work, `${name}.cil`);
    run(join(root, 'usr/bin/busybox'), ['bunzip2', `${source}.bz2`]);
    run(join(root, 'usr/libexec/selinux/hll/pp'), [source, output]);
    // Logins are the business of a store that only semodule(8) makes.
    const text = readFileSync(output, 'utf8').replace(/^\(selinuxuser.*\n/gm, '');
    writeFileSync(output, text);
    return output;
  });
  const home = join(root, 'etc/selinux', policyType);
  for (const name of ['policy', 'contexts/files']) mkdirSync(join(home, name), { recursive: true });
  const policy = ['-o', join(home, 'policy', `policy.${policyVersion}`), '-c', `${policyVersion}`];
  const files = ['-f', fileContexts(root)];
  run(join(root, 'usr/bin/secilc'), [...policy, ...files, ...cil, containers]);
}

/** Gives each file of a disk that was made from `root` the label that the policy has for it. */
export function labelDisk(root: string, image: string): void {
  const found = run(join(root, 'sbin/setfiles'), ['-n', '-v', '-F', '-r', root, fileContexts(root), root]);
  const commands = [...found.matchAll(/^Would relabel (.+) from \S+ to (\S+)$/gm)].map(
    ([, path = '', label]) => `ea_set "${path.slice(root.length) || '/'}" security.selinux ${label}\n`,
  );
  run('debugfs', ['-w', image], { input: commands.join('') });
}

function fileContexts(root: string): string {
  return join(root, 'etc/selinux', policyType, 'contexts/files/file_contexts');
}
