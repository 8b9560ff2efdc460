// What races are about: a root filesystem whose names are exchanged, and a part of the host that nobody may touch.

import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox } from '../container/harness.ts';

/** A sandbox in a mount namespace of its own, where whatever is mounted on the host is seen. */
export class World {
  readonly box = new Sandbox();
  /**
   * A filesystem of the host that links of the image lead to. It is shared: what a container whose mounts are shared mounts on it
   * is on the host, and stays.
   */
  readonly outside = join(this.box.directory, 'outside');
  /** A name that nothing else has: of directories that only containers make, within their root. */
  readonly tag = `made-${process.pid}`;

  constructor() {
    mkdirSync(this.outside);
    mount('--make-rshared', '/');
    mount('-t', 'tmpfs', 'outside', this.outside);
    mount('--make-shared', this.outside);
    for (const name of ['dev', 'pts', 'proc', 'sys']) mkdirSync(join(this.outside, name));
    for (const name of ['file', 'console', 'null', 'ptmx', 'dev/null', 'dev/console'])
      writeFileSync(join(this.outside, name), 'bait');
  }

  /** All that is mounted, and all files outside with their owners, modes, times and contents. */
  look(): { mounts: string[]; files: string[] } {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').sort();
    const files = readdirSync(this.outside, { recursive: true, encoding: 'utf8' }).map((name) => {
      const path = join(this.outside, name);
      const { ino, mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(path);
      const text = size > 0 && (mode & 0o170000) === 0o100000 ? readFileSync(path, 'utf8') : '';
      return [name, ino, mode.toString(8), uid, gid, size, mtimeMs, ctimeMs, text].join(' ');
    });
    return { mounts, files: files.sort() };
  }

  close(): void {
    // Again, where a container has mounted something on it.
    while (spawnSync('umount', ['--recursive', '--lazy', this.outside]).status === 0);
    this.box.close();
  }
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`);
}
