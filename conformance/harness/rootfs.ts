// A root filesystem of one program: the host's static busybox, linked under the names of its applets.

import { spawnSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the checks' scripts use. */
const APPLETS = (
  'cat chmod chown chroot cp cut dd echo env false find grep head hostname id ifconfig ionice ip kill ln ls mkdir ' +
  'mkfifo mknod mount mv nice nproc od printf ps pwd readlink renice rm rmdir sed seq setpriv sh sleep sort ' +
  'stat stty sync tail tar taskset test timeout touch tr true tty umount uname uniq usleep wc xargs'
).split(' ');

/** Finds busybox on the host; it must be static, since a container has no libraries. */
function findBusybox(): string {
  for (const directory of (process.env.PATH ?? '').split(':')) {
    try {
      const file = realpathSync(join(directory, 'busybox'));
      const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8', timeout: 5000 });
      if (!(stdout ?? '').includes('=>')) return file;
    } catch {
      // Not in this directory.
    }
  }
  throw new Error('the checks need a static busybox in PATH (Debian: busybox-static)');
}

/** Copies busybox where root filesystems can link to it: into the directory that all bundles of a run share. */
export function installBusybox(directory: string): string {
  const copy = join(directory, 'busybox');
  copyFileSync(findBusybox(), copy);
  return copy;
}

/** Makes a root filesystem at `path` from the copy of busybox. */
export function makeRootfs(path: string, busybox: string): void {
  for (const name of ['bin', 'proc', 'dev', 'sys', 'tmp']) mkdirSync(join(path, name), { recursive: true });
  linkSync(busybox, join(path, 'bin', 'busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(path, 'bin', applet));
}

/** busybox as the harness itself executes it on the host. */
export function busyboxCommand(trialDirectory: string, ...args: string[]): string[] {
  return [join(dirname(trialDirectory), 'busybox'), ...args];
}
