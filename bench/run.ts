// Usage: npm run bench -- [--quick] [--runtime PATH] [--output FILE]
//
// Measures dist/tsoci beside runc and crun and writes docs/bench.md. Needs root, hyperfine, time, busybox-static
// and runc.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findTarget, lockedVersion } from '../scripts/executable/target.ts';
import { root } from '../scripts/repository.ts';
import { makeRootfs } from './bundle.ts';
import { makeDirectories } from './directories.ts';
import { buildFloor } from './floor.ts';
import { describeMachine } from './machine.ts';
import { measure } from './measure.ts';
import { report } from './report.ts';
import { clear, clearing, copyRuntimes, findRuntimes, installedRuntimes } from './runtimes.ts';
import { makeBundles, mostMounts } from './tasks.ts';
import { openView, viewsOfHost } from './view.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runtime: { type: 'string', default: join(root, 'dist', 'tsoci') },
    output: { type: 'string', default: join(root, 'docs', 'bench.md') },
  },
});

for (const [tool, name] of [
  ['hyperfine', 'hyperfine'],
  ['runc', 'runc'],
  ['/usr/bin/time', 'time'],
] as const) {
  if (spawnSync(tool, ['--version']).error) throw new Error(`${tool} (Debian: ${name}) is not installed`);
}

const effort = values.quick ? { rounds: 2, runs: 5 } : { rounds: 5, runs: 8 };
const installed = installedRuntimes(resolve(values.runtime));
const { work, states, remove } = makeDirectories('bench', (directory) => {
  for (const runtime of findRuntimes(installed, directory)) clear(runtime);
});
try {
  const copies = copyRuntimes(installed, join(work, 'bin'));
  const runtimes = findRuntimes(copies, states);
  const machine = describeMachine();
  const floor = buildFloor(join(work, 'floor'));
  const rootfs = join(work, 'rootfs');
  makeRootfs(rootfs, mostMounts);
  const results = viewsOfHost().map((outline) => {
    using view = openView(outline, work, copies.get('tsoci') ?? '');
    using _ = clearing(runtimes, view);
    const bundles = makeBundles(join(work, view.name), rootfs, view.resources);
    return measure(view, runtimes, bundles, floor, join(work, view.name), effort);
  });
  const date = new Date().toISOString().slice(0, 10);
  const facts = {
    date,
    machine,
    runtimes,
    bun: lockedVersion(`@oven/${findTarget().name}`),
    quick: values.quick,
  };
  const page = report(facts, results);
  writeFileSync(values.output, page);
  console.log(page);
} finally {
  remove();
}
