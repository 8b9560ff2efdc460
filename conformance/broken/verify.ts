// npm run conformance:verify -- [--runtime PATH] [--filter TEXT] [--jobs N]
// Proves that the checks can fail: each one must say `not ok` to a runtime with the fault that the check names.
// A check that the sound runtime does not pass proves nothing, and is skipped.

import { parseArgs } from 'node:util';
import { checks } from '../checks/index.ts';
import { examineHost } from '../harness/host.ts';
import { type Job, runChecks } from '../harness/runner.ts';
import { findRuntime, type Runtime } from '../harness/runtime.ts';
import { tapHeader } from '../harness/tap.ts';
import type { Mutation } from './mutation.ts';

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: new URL('../../dist/tsoci', import.meta.url).pathname },
    filter: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
  },
});

const sound = findRuntime(values.runtime);
const host = examineHost();
const chosen = checks.filter(({ id, section }) => `${id} ${section}`.includes(values.filter));
const jobs = Number(values.jobs);

/** The wrapper, with the fault. */
function broken(mutation: Mutation): Runtime {
  const wrapper = new URL('./runtime.ts', import.meta.url).pathname;
  const env = { BROKEN: JSON.stringify(mutation), BROKEN_RUNTIME: sound.argv.join(' ') };
  return { ...sound, argv: [process.execPath, wrapper], env };
}

const baseline = await runChecks(
  chosen.map((check) => ({ check, runtime: sound })),
  host,
  jobs,
  () => {},
);
const passing = chosen.filter((_, index) => baseline[index]?.status === 'pass');
const faulty: Job[] = passing.map((check) => ({ check, runtime: broken(check.broken) }));

console.log(tapHeader(faulty.length));
const outcomes = await runChecks(faulty, host, jobs, ({ id, status, reason, left = [] }, number) => {
  const { check } = faulty[number - 1] as Job;
  const found = status === 'fail';
  console.log(`${found ? 'ok' : 'not ok'} ${number} - ${id} finds ${JSON.stringify(check.broken)}`);
  if (found) console.log(`# ${reason}`);
  else console.log('  ---', `\n  message: the check passed (${status})`, '\n  ...');
  if (left.length > 0) console.log(`# left behind: ${left.join(', ')}`);
});
const missed = outcomes.filter(({ status }) => status !== 'fail').length;
console.log(`# ${chosen.length - passing.length} checks that ${sound.name} does not pass were left out`);
console.log(`${outcomes.length - missed} passed, ${missed} failed`);
process.exitCode = missed > 0 ? 1 : 0;
