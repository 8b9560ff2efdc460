// npm run races [-- --creates N] [--looks N] [--seconds N] [--only TEXT]: containers are created while what they are made of is
// exchanged, and processes come into containers that look at them. Ends with `N passed, N failed`: a container is a test, be it
// created or refused, and so is a process that comes in. In a mount namespace of its own, whose mounts are what must not change.

import { parseArgs } from 'node:util';
import { hostiles, looks } from './looks.ts';
import { race } from './race.ts';
import { scenarios } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    /** How many containers are created in each scenario. */
    creates: { type: 'string', default: '1250' },
    /** How often each hostile container looks at those who come in. */
    looks: { type: 'string', default: '5000' },
    /** How many seconds all of them may take: where it is too few for so many, there are fewer. */
    seconds: { type: 'string', default: 'Infinity' },
    only: { type: 'string', default: '' },
    /** Shows the errors of those that were refused. */
    errors: { type: 'boolean', default: false },
  },
});

/** How much is told of what is wrong. */
const SHOWN = 20;
const MANY = 100;
/** What part of the time each hostile container has. */
const FOR_LOOKS = 0.1;

const milliseconds = Number(values.seconds) * 1000;
const wanted = <T extends { name: string }>(all: readonly T[]) =>
  all.filter(({ name }) => name.includes(values.only));
let passed = 0;
let failed = 0;

for (const scenario of wanted(scenarios)) {
  const share = (1 - FOR_LOOKS * hostiles.length) / wanted(scenarios).length;
  const measure = { creates: Number(values.creates), milliseconds: milliseconds * share };
  const { created, refused, wrong } = await race(scenario, measure);
  const count = [...refused.values()].reduce((sum, each) => sum + each, 0);
  const all = [...wrong];
  // Of many containers some find all in its place, and some do not.
  if (Number(values.creates) >= MANY && (created === 0 || count === 0)) all.push('no race');
  if (values.errors) for (const [error, times] of refused) console.log(`${times} × ${error}`);
  tell(scenario.name, `${created} created, ${count} refused`, created + count, all);
}
for (const hostile of wanted(hostiles)) {
  const measure = { most: Number(values.looks), milliseconds: milliseconds * FOR_LOOKS };
  const { report, entered, wrong } = await looks(hostile, measure);
  const all = report.looks === 0 ? [...wrong, 'nobody was looked at'] : wrong;
  tell(hostile.name, `${entered} came in, ${report.seen} were looked at ${report.looks} times`, entered, all);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function tell(name: string, what: string, count: number, wrong: readonly string[]): void {
  for (const line of wrong.slice(0, SHOWN)) console.log(`not ok ${name}: ${line}`);
  const seconds = Math.round(performance.now() / 1000);
  console.log(`${name}: ${what}; ${wrong.length} wrong; after ${seconds} s`);
  passed += Math.max(0, count - wrong.length);
  failed += wrong.length;
}
