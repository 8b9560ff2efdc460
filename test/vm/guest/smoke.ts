// What the smoke tests of both inits share: commands, and a trivial container of each runtime.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { patience } from '../../patience.ts';

/** The runtimes that this guest has. */
export const runtimes = ['runc', 'crun', ...(existsSync('dist/tsoci') ? ['tsoci'] : [])];

/** Runs a command that must succeed; returns what it printed. */
export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: patience(60_000),
  });
  assert.is(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout.trim();
}

/** Runs a container of busybox with a memory limit, in bytes; returns the memory.max that it reads. */
export function memoryLimitSeenInside(
  limit: number,
  runtime: string,
  options: string[] = [],
  linux: object = {},
): string {
  const bundle = mkdtempSync(join(tmpdir(), 'smoke-'));
  try {
    for (const name of ['bin', 'dev', 'proc', 'sys'])
      mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
    copyFileSync('/bin/busybox', join(bundle, 'rootfs/bin/busybox'));
    symlinkSync('busybox', join(bundle, 'rootfs/bin/cat'));
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config(limit, linux)));
    return run(runtime, ...options, 'run', '--bundle', bundle, `smoke-${runtime}`);
  } finally {
    rmSync(bundle, { recursive: true });
  }
}

function config(limit: number, linux: object): object {
  return {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: { cwd: '/', user: { uid: 0, gid: 0 }, args: ['/bin/cat', '/sys/fs/cgroup/memory.max'] },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      resources: { memory: { limit } },
      ...linux,
    },
  };
}
