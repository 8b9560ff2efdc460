// npm run fuzz [-- --minutes N] [--seed N] [--keep] [TARGET…]: looks for inputs that show faults, with the coverage of what they
// reach, for that time in all. Ends with `N passed, N failed`. README.md beside it tells more.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../scripts/repository.ts';
import { nodeCommand } from './c-library.ts';
import { inputsOf, keep, loadTarget, targetNames } from './corpus.ts';
import { foundFor, fuzzTarget } from './engine.ts';

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '8' },
    /** By which a run can be repeated. */
    seed: { type: 'string' },
    /** Adds to the corpus what reaches more. */
    keep: { type: 'boolean', default: false },
    /** Tries this input alone, and does not look for others. */
    input: { type: 'string', multiple: true },
  },
  allowPositionals: true,
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const names = positionals.length > 0 ? positionals : targetNames();
let [passed, failed] = [0, 0];

if (values.input) {
  for (const name of names) for (const file of values.input) await check(name, file, readFileSync(file));
} else {
  for (const name of names) for (const { file, data } of inputsOf(name)) await check(name, file, data);
  if (failed === 0) await search();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** An input that is kept, or one that is given. */
async function check(name: string, file: string, data: Buffer): Promise<void> {
  const fuzz = await loadTarget(name);
  try {
    await fuzz(data);
    passed++;
  } catch (error) {
    failed++;
    console.log(`not ok ${name} ${relative(root, file)}: ${error instanceof Error ? error.stack : error}`);
  }
}

/** Divides the time among the targets, of which each processor does one at a time. */
async function search(): Promise<void> {
  const node = nodeCommand();
  const workers = Math.min(availableParallelism(), names.length);
  const seconds = Math.max(1, Math.floor((Number(values.minutes) * 60 * workers) / names.length));
  console.log(`seed ${seed}, ${seconds} s for each of ${names.length} targets`);
  const queue = [...names];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const { tried, coverage, failure, input } = await fuzzTarget(node, name, { seconds, seed });
      console.log(
        `${failure ? 'not ok' : 'ok'} ${name}: ${tried} inputs, ${coverage} edges reached${failure ? `\n${failure}` : ''}`,
      );
      if (input) console.log(`again: npm run fuzz -- --input ${relative(root, input)} ${name}`);
      if (failure) failed++;
      else passed++;
      if (values.keep && !failure) console.log(`   ${await keep(name, foundFor(name))} inputs kept`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}
