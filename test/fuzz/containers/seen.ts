// What /proc tells of a container's process.

import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { type MountInfo, parseMountinfo } from '../../../src/linux/mountinfo.ts';

export class Seen {
  readonly pid: number;
  readonly id: string;
  readonly #status: string;

  constructor(pid: number, id: string) {
    this.pid = pid;
    this.id = id;
    this.#status = this.file('status');
  }

  /** A file of /proc/PID. */
  file(name: string): string {
    return readFileSync(`/proc/${this.pid}/${name}`, 'utf8');
  }

  link(name: string): string {
    return readlinkSync(`/proc/${this.pid}/${name}`);
  }

  /** A field of /proc/PID/status. */
  status(field: string): string {
    return new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(this.#status)?.[1]?.trim() ?? '';
  }

  numbers(field: string): number[] {
    return this.status(field).split(/\s+/).filter(Boolean).map(Number);
  }

  /** The field of /proc/PID/stat that proc_pid_stat(5) numbers so. */
  stat(number: number): number {
    const text = this.file('stat');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[number - 3]);
  }

  mounts(): MountInfo[] {
    return parseMountinfo(this.file('mountinfo'));
  }

  /** What is mounted at a path, on top of whatever else is. */
  mount(path: string): MountInfo | undefined {
    return this.mounts().findLast(({ mountPoint }) => mountPoint === path);
  }

  /** What a program prints that is executed in namespaces of the process (nsenter(1)). */
  inside(namespaces: readonly string[], ...command: string[]): string {
    const { stdout } = spawnSync('nsenter', ['-t', String(this.pid), ...namespaces, ...command], {
      encoding: 'utf8',
    });
    return stdout.trim();
  }
}
