// Usage: node bench/soak/run.ts [--runtime PATH] [--lives N] [--alive N] [--probes N] [--mode cold|resident] [--quick]
//     [--write]
//
// Many containers one after another, many at once, and many exec probes into a few: is the last command as fast as the
// first, does the server hold as much as at the beginning, and what is left on the host? First each command with a
// runtime of its own, then with a server. --write makes docs/soak-MODE.md and its plot. Needs root, busybox-static and, to
// plot, gnuplot-nox.

import { mkdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/repository.ts';
import { makeBundle, makeRootfs } from '../bundle.ts';
import { makeDirectories } from '../directories.ts';
import { clear } from '../runtimes.ts';
import { openView } from '../view.ts';
import { snapshot, whatIsLeft } from './left.ts';
import { type Soak, soak } from './phases.ts';
import { writePage } from './report.ts';

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: join(root, 'dist', 'tsoci') },
    lives: { type: 'string' },
    alive: { type: 'string' },
    probes: { type: 'string' },
    mode: { type: 'string', default: 'cold,resident' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const usual = values.quick
  ? { lives: 100, alive: 50, probes: 200 }
  : { lives: 10_000, alive: 1_000, probes: 86_400 };
const amounts = {
  lives: Number(values.lives ?? usual.lives),
  alive: Number(values.alive ?? usual.alive),
  probes: Number(values.probes ?? usual.probes),
};
const modes = (['cold', 'resident'] as const).filter((mode) => values.mode.split(',').includes(mode));
const runtime = resolve(values.runtime);
const { work, states, remove } = makeDirectories('soak', (directory) =>
  clear({ words: [runtime, '--root', directory] }),
);

try {
  const rootfs = join(work, 'rootfs');
  makeRootfs(rootfs, 0);
  // In every container's id, command line and cgroup: on a shared machine, what is left is ours if it has it.
  const mark = basename(work);
  const bundle = (name: string, script: string) =>
    makeBundle(join(work, name), rootfs, (config) => {
      config.process.args = ['/bin/sh', '-c', script, mark];
    });
  const bundles = {
    ends: bundle('ends', 'exit 0'),
    stays: bundle('stays', 'while :; do sleep 1000; done'),
  };
  let count = 0;
  for (const mode of modes) {
    const directory = join(states, mode);
    mkdirSync(directory);
    const before = snapshot(join(work, 'before'));
    let result: Soak;
    {
      using view = openView({ name: 'host', title: '', resources: true, mount: 'true' }, work, runtime);
      const place = mode === 'cold' ? view.cold : view.warm;
      result = soak({ mode, place, words: [runtime, '--root', directory], work, bundles, mark }, amounts);
    }
    const left = await whatIsLeft(before, mark, directory);
    for (const line of left) console.log(`left behind: ${mode}: ${line}`);
    count += left.length;
    if (values.write) writePage(join(root, 'docs'), result, left.length, work);
  }
  console.log(`${count} things left behind`);
  if (count > 0) process.exitCode = 1;
} finally {
  remove();
}
