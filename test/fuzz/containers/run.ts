// npm run fuzz:containers [-- --seconds N] [--seed N] [--only NAME…] [--runtime PATH]: containers of configs that nobody thought of.
// What exits 0 is compared with /proc/PID, and what is refused leaves nothing. Ends with `N passed, N failed`.

import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { variants } from '../../config/variants.ts';
import { Sandbox, tsociPath } from '../../container/harness.ts';
import type { Drawn, Facet } from './facet.ts';
import { Random } from './random.ts';
import { attempt, facets, type Plan, smallest } from './trial.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string' },
    /** These facets alone, in each config. */
    only: { type: 'string', multiple: true },
    /** Another runtime, for a second opinion: what it does otherwise is told as what is wrong. */
    runtime: { type: 'string', default: tsociPath },
    /** Tells each reason why a config was refused. */
    refusals: { type: 'boolean', default: false },
  },
});

/** What runtimes of older specifications take, too. */
const older: Facet = {
  name: 'ociVersion',
  draw(_, config) {
    config.ociVersion = '1.0.2';
    return () => {};
  },
};

/** How many of a hundred configs have something wrong, most likely. */
const SPOILT = 40;

const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const box = new Sandbox();
// The users of a user namespace make directories there.
mkdirSync(join(box.rootfs, 'mnt'));
for (const path of [box.rootfs, join(box.rootfs, 'mnt')]) chmodSync(path, 0o777);
const end = performance.now() + Number(values.seconds) * 1000;
const refusals = new Map<string, number>();
let [passed, failed] = [0, 0];

console.log(`seed ${seed}`);
for (let trial = 0; performance.now() < end; trial++) {
  const plan = planOf(`${seed}/${trial}`);
  const { refused, complaints } = attempt(box, values.runtime, plan);
  if (refused !== undefined) {
    const reason = refused.replace(/\S*\/config\.json:[\d:]*/, '');
    refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
  }
  if (complaints.length === 0) {
    passed++;
    continue;
  }
  failed++;
  const least = smallest(box, values.runtime, plan);
  const { complaints: left, config } = attempt(box, values.runtime, least);
  const told = left.length > 0 ? left : complaints;
  console.log(
    `not ok ${plan.seed} ${least.facets.map(({ name }) => name)}\n  ${told.join('\n  ')}\n  ${config}`,
  );
}
const leftovers = box.leftovers();
if (leftovers.length > 0) {
  failed++;
  console.log(`not ok: left behind: ${leftovers}`);
}
box.close();
const count = [...refusals.values()].reduce((sum, each) => sum + each, 0);
console.log(`${count} were refused, for ${refusals.size} reasons`);
if (values.refusals) for (const [refusal, times] of refusals) console.log(`${times} × ${refusal}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Changes any one place of a config. */
function spoil(random: Random): (config: Drawn) => unknown {
  const place = random.below(1e9);
  return (config) => {
    const all = [...variants(config)];
    return all[place % all.length]?.document;
  };
}

function planOf(seed: string): Plan {
  const random = new Random(seed);
  const { only } = values;
  const some = only
    ? facets.filter(({ name }) => only.includes(name))
    : facets.filter(() => random.chance(40));
  if (!only && random.chance(SPOILT)) return { seed, facets: some, change: spoil(random) };
  return { seed, facets: values.runtime === tsociPath ? some : [older, ...some] };
}
