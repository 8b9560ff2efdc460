// config.json as far as to the system calls that it comes to (src/plan): all that `create` and `start` decide.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Caller } from '../../../src/launcher/caller.ts';
import { planContainer } from '../../../src/plan/plan-container.ts';
import { holds, unlessRefusedLater } from '../properties.ts';

const bundle = mkdtempSync(join(tmpdir(), 'tsoci-fuzz-plan-'));
process.on('exit', () => rmSync(bundle, { recursive: true }));
// What the configs of the corpus name.
for (const name of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp'])
  mkdirSync(join(bundle, 'r', name), { recursive: true });
writeFileSync(join(bundle, 'r', 'a'), '#!/a\n');
chmodSync(join(bundle, 'r', 'a'), 0o755);

/** No process works for it. */
const caller: Omit<Caller, 'launcher' | 'signals'> = {
  args: [],
  env: {},
  cwd: '/',
  umask: 0o22,
  pid: process.pid,
  status: readFileSync('/proc/self/status', 'latin1'),
  uid: 0,
  gid: 0,
  stdio: [0, 1, 2],
  write: () => {},
  warn: () => {},
  debug: () => {},
};

const options = {
  root: '/run/nowhere',
  id: 'c1',
  bundle,
  preserveFds: 0,
  overlay: false,
  noPivot: false,
  noNewKeyring: false,
  systemdCgroup: false,
  cgroupManager: 'cgroupfs',
  rootless: 'auto',
  filter: undefined,
} as const;

export async function fuzz(data: Buffer): Promise<void> {
  writeFileSync(join(bundle, 'config.json'), data);
  let lines = 0;
  const write = (more: readonly unknown[]) => {
    lines += more.length;
  };
  const planned = await unlessRefusedLater(
    () => planContainer(caller as Caller, { ...options, write }),
    data,
  );
  holds(!planned || lines > 0, 'a container without a system call');
}
