// Usage: npm run bench:probes -- [--runtime PATH] [--rates N,N] [--seconds N] [--rounds N]
//
// What the exec probes of a Kubernetes node cost: N containers with a probe each second, for every rate N. Prints tables
// whose ratios are to runc. Needs root, busybox-static and runc; crun is measured beside it where it is in PATH and runs.

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/repository.ts';
import { makeRootfs } from './bundle.ts';
import { makeDirectories } from './directories.ts';
import { quantile } from './hyperfine.ts';
import { describeMachine } from './machine.ts';
import { tryOut } from './measure.ts';
import type { Probed, Probing } from './prober.ts';
import { cpuOf } from './processor-time.ts';
import { ratio, table } from './report.ts';
import {
  clear,
  clearing,
  copyRuntimes,
  findRuntimes,
  installedRuntimes,
  launch,
  placeOf,
} from './runtimes.ts';
import { makeBundles } from './tasks.ts';
import { openView, type Place, viewsOfHost } from './view.ts';

const PERIOD = 1000;

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: join(root, 'dist', 'tsoci') },
    rates: { type: 'string', default: '10,100' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
  },
});
const rates = values.rates.split(',').map(Number);
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];

const installed = installedRuntimes(resolve(values.runtime));
const { work, states, remove } = makeDirectories('probes', (directory) => {
  for (const runtime of findRuntimes(installed, directory)) clear(runtime);
});
try {
  const copies = copyRuntimes(installed, join(work, 'bin'));
  const rootfs = join(work, 'rootfs');
  makeRootfs(rootfs, 0);
  // The last is the one in which crun runs, too.
  const outline = viewsOfHost().at(-1);
  if (!outline) throw new Error('no view of cgroups');
  using view = openView(outline, work, copies.get('tsoci') ?? '');
  const bundles = makeBundles(work, rootfs, false);
  const { present: runtimes, absent } = tryOut(findRuntimes(copies, states), view, bundles);
  for (const [name, reason] of absent) console.log(`${name} does not run here: ${reason}`);
  using _ = clearing(runtimes, view);
  const subjects = runtimes.map((runtime) => {
    const ids = Array.from({ length: Math.max(...rates) }, (_, i) =>
      `probed-${runtime.name}-${i}`.replace(' ', '-'),
    );
    for (const id of ids) launch(runtime, view, 'run', '--detach', '--bundle', bundles.sleep, id);
    const commands = ids.map((id) => [...runtime.words, 'exec', id, '/bin/true']);
    return { name: runtime.name, place: placeOf(runtime, view), commands };
  });
  console.log([`## ${outline.title}`, '', ...describeMachine().map((line) => `- ${line}`)].join('\n'));
  console.log(`- ${runtimes.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
  for (const rate of rates) {
    const probed = new Map<string, Probed[]>();
    // In turns, so that a change of the machine's mood strikes all alike.
    for (let round = 0; round < rounds; round++)
      for (const { name, place, commands } of subjects) {
        const result = probeIn(place, { commands: commands.slice(0, rate), period: PERIOD, seconds });
        probed.set(name, [...(probed.get(name) ?? []), result]);
      }
    console.log(`\n${rate} containers, each probed once a second\n\n${tableOf(probed)}`);
  }
} finally {
  remove();
}

function probeIn(place: Place, probing: Probing): Probed {
  const [program = '', ...args] = [
    ...place.prefix,
    process.execPath,
    join(import.meta.dirname, 'prober.ts'),
    JSON.stringify(probing),
  ];
  const before = cpuOf(place.workers());
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`prober: exit ${status}: ${stderr}`);
  const result = JSON.parse(stdout) as Probed;
  if (result.failed > 0) throw new Error(`${result.failed} probes failed: ${probing.commands[0]?.join(' ')}`);
  return { ...result, cpu: result.cpu + cpuOf(place.workers()) - before };
}

/** Of the rounds of each runtime. */
function tableOf(probed: ReadonlyMap<string, readonly Probed[]>): string {
  const figures = new Map([...probed].map(([name, results]) => [name, figuresOf(results)]));
  const runc = figures.get('runc');
  if (!runc) throw new Error('runc does not run here, and it is what all are compared with');
  const percent = (part: number) => `${(part * 100).toFixed(0)} %`;
  return table(
    [
      '',
      'probes a second',
      'processor time of one',
      'share of all processors',
      'median latency',
      '99 % are faster than',
    ],
    [...figures].map(([name, { rate, cpu, share, median, slow }]) => [
      name,
      rate.toFixed(0),
      ratio(cpu, runc.cpu),
      percent(share),
      ratio(median, runc.median),
      ratio(slow, runc.slow),
    ]),
  );
}

function figuresOf(results: readonly Probed[]) {
  const latencies = results.flatMap((result) => result.latencies).sort((a, b) => a - b);
  const sum = (of: (result: Probed) => number) => results.reduce((total, result) => total + of(result), 0);
  const [cpu, elapsed] = [sum((result) => result.cpu), sum((result) => result.seconds)];
  return {
    rate: latencies.length / elapsed,
    cpu: cpu / latencies.length,
    share: cpu / elapsed / availableParallelism(),
    median: quantile(latencies, 0.5),
    slow: quantile(latencies, 0.99),
  };
}
