// Containers that are checkpointed and restored, by a criu that works here.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { patience } from '../patience.ts';
import { type Change, eventually, type Result, Sandbox, tsociPath } from './harness.ts';

/** The path of a criu that knows this kernel, by CRIU or in the usual places; undefined, and why, if there is none. */
export function workingCriu(): string | undefined {
  const places = [process.env.CRIU, '/usr/sbin/criu', '/usr/local/sbin/criu'];
  const path = places.find((place) => place !== undefined && existsSync(place));
  const { status, stdout, stderr } = spawnSync(path ?? 'false', ['check'], {
    encoding: 'utf8',
    timeout: patience(60_000),
  });
  if (path !== undefined && status === 0) return path;
  const why =
    path === undefined
      ? 'criu is not installed (CRIU names one that is elsewhere)'
      : `${path} check: ${stdout}${stderr}`;
  console.log(`skip: ${why.trim().replaceAll('\n', '; ')}`);
  return undefined;
}

export class Checkpoints {
  readonly box = new Sandbox();
  readonly criu: string;
  /** Not in /tmp, where a tmpfs may be: before Linux 6.3 that cannot map ids, which a user namespace has need of. */
  readonly #images = mkdtempSync('/var/tmp/tsoci-test-');
  #count = 0;

  constructor(criu: string) {
    this.criu = criu;
  }

  tsoci(...args: string[]): Result {
    return this.box.tsoci('--criu', this.criu, ...args);
  }

  /** A running container. */
  start(script: string, change?: Change): string {
    const id = this.box.id();
    this.box.configure(script, change);
    assert.is(this.box.detached('run', '--detach', id), 0);
    return id;
  }

  /** A directory for images that is not there yet. */
  images(): string {
    return join(this.#images, `images-${this.#count++}`);
  }

  /** Checkpoints a container: the directory of the images. */
  checkpoint(id: string, ...options: string[]): string {
    const images = this.images();
    const { status, stderr } = this.tsoci('checkpoint', '--image-path', images, ...options, id);
    assert.is(status, 0, stderr);
    return images;
  }

  /** Restores one, detached: its id. */
  restore(images: string, ...options: string[]): string {
    const id = this.box.id();
    const errors = join(this.box.directory, 'errors');
    // What is restored holds on to standard streams.
    const command = 'exec "$@" </dev/null >/dev/null 2>"$0"';
    const args = [
      '--root',
      this.box.root,
      '--criu',
      this.criu,
      'restore',
      '--detach',
      '--image-path',
      images,
    ];
    const { status } = spawnSync('sh', ['-c', command, errors, tsociPath, ...args, ...options, id], {
      cwd: this.box.bundle,
      timeout: patience(60_000),
    });
    assert.is(status, 0, readFileSync(errors, 'utf8'));
    return id;
  }

  /** Another bundle with the same content. */
  copyBundle(): string {
    const copy = join(this.box.directory, `bundle-${this.#count++}`);
    cpSync(this.box.bundle, copy, { recursive: true, verbatimSymlinks: true });
    return copy;
  }

  close(): void {
    this.box.close();
    rmSync(this.#images, { recursive: true });
  }

  /** Ends a container and deletes it. */
  end(id: string): void {
    const { status, stderr } = this.tsoci('delete', '--force', id);
    assert.is(status, 0, stderr);
  }
}

/** Counts up in a file of the container's. */
export const COUNTER =
  'i=0; while :; do echo $i >/tmp/count.next; busybox mv /tmp/count.next /tmp/count; i=$((i+1)); busybox usleep 20000; done';

/** How far it is; -1 before it has begun. */
export function countIn(rootfs: string): number {
  try {
    return Number(readFileSync(join(rootfs, 'tmp/count'), 'utf8'));
  } catch {
    return -1;
  }
}

/** Waits until it counts on from somewhere. */
export function countsOn(rootfs: string, from: number): void {
  eventually(`the count goes on from ${from}`, () => countIn(rootfs) > from + 1);
}
