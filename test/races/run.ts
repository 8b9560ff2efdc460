// npm run races [-- --creates N] [--seconds N] [--only TEXT]: containers are created while what they are made of is exchanged. Ends with
// `N passed, N failed`: a container is a test, be it created or refused. In a mount namespace of its own, whose mounts are what
// must not change.

import { parseArgs } from 'node:util';
import { race } from './race.ts';
import { scenarios } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    /** How many containers are created in each scenario. */
    creates: { type: 'string', default: '1250' },
    /** How many seconds all of them may take: where it is too few for so many, there are fewer. */
    seconds: { type: 'string', default: 'Infinity' },
    only: { type: 'string', default: '' },
    /** Shows the errors of those that were refused. */
    errors: { type: 'boolean', default: false },
  },
});

/** How much is told of what is wrong in a scenario. */
const SHOWN = 20;

const MANY = 100;

let passed = 0;
let failed = 0;
const wanted = scenarios.filter(({ name }) => name.includes(values.only));
for (const scenario of wanted) {
  const from = performance.now();
  const { created, refused, wrong } = await race(scenario, {
    creates: Number(values.creates),
    milliseconds: (Number(values.seconds) * 1000) / wanted.length,
  });
  const count = [...refused.values()].reduce((sum, each) => sum + each, 0);
  const all = [...wrong];
  // Of many containers some find all in its place, and some do not.
  if (Number(values.creates) >= MANY && (created === 0 || count === 0)) all.push('no race');
  for (const line of all.slice(0, SHOWN)) console.log(`not ok ${scenario.name}: ${line}`);
  if (values.errors) for (const [error, times] of refused) console.log(`${times} × ${error}`);
  const seconds = Math.round((performance.now() - from) / 1000);
  console.log(`${scenario.name}: ${created} created, ${count} refused, ${all.length} wrong, ${seconds} s`);
  passed += Math.max(0, created + count - all.length);
  failed += all.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
