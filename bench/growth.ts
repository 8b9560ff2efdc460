// Usage: node bench/growth.ts [--runtime PATH] [--alive N]
//
// What create, state and delete cost while N containers are there, beside what they cost with one (medians, and their ratio).
// In the mount namespace of a server (node scripts/resident.ts node bench/growth.ts) also the memory of its workers.

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/repository.ts';
import { makeBundle, makeRootfs } from './bundle.ts';
import { makeDirectories } from './directories.ts';
import { clear } from './runtimes.ts';

const TRIES = 40;
const measured = ['create', 'state', 'delete'] as const;

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: join(root, 'dist', 'tsoci') },
    alive: { type: 'string', default: '1000' },
  },
});
const runtime = values.runtime.includes('/') ? resolve(values.runtime) : values.runtime;
const alive = Number(values.alive);
const { work, states, remove } = makeDirectories('growth', (directory) =>
  clear({ words: [runtime, '--root', directory] }),
);

try {
  const rootfs = join(work, 'rootfs');
  makeRootfs(rootfs, 0);
  const bundle = makeBundle(join(work, 'bundle'), rootfs, (config) => {
    delete config.linux.resources;
  });
  const few = measure(bundle);
  for (let i = 1; i < alive; i++) timed('create', '--bundle', bundle, `alive-${i}`);
  const many = measure(bundle);
  for (const command of measured) {
    const [one, all] = [few[command], many[command]];
    console.log(
      `${command}: ${one.toFixed(2)} ms with 1 container, ${all.toFixed(2)} ms with ${alive}: ${(all / one).toFixed(2)}`,
    );
  }
  const { status, stdout } = spawnSync(runtime, ['serve', '--status'], { encoding: 'utf8' });
  if (status === 0) console.log(stdout);
  for (let i = 1; i < alive; i++) timed('delete', '--force', `alive-${i}`);
} finally {
  remove();
}

/** Medians in milliseconds. */
function measure(bundle: string): Record<(typeof measured)[number], number> {
  const times = Array.from({ length: TRIES }, (_, i) => ({
    create: timed('create', '--bundle', bundle, `growth-${i}`),
    state: timed('state', `growth-${i}`),
    delete: timed('delete', '--force', `growth-${i}`),
  }));
  const median = (command: (typeof measured)[number]) =>
    times.map((time) => time[command]).sort((a, b) => a - b)[TRIES / 2] ?? 0;
  return { create: median('create'), state: median('state'), delete: median('delete') };
}

function timed(...args: string[]): number {
  const began = performance.now();
  const { status, signal } = spawnSync(runtime, ['--root', states, ...args], {
    stdio: 'ignore',
    timeout: 30_000,
  });
  if (status !== 0) throw new Error(`${runtime} ${args.join(' ')}: ${signal ?? `exit ${status}`}`);
  return performance.now() - began;
}
