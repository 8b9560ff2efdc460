// npm run conformance -- [--runtime PATH] [--filter TEXT] [--jobs N] [--json FILE] [--list]
// Checks a runtime against the OCI runtime specification and prints TAP. Exit code 1: it failed a check.

import { parseArgs } from 'node:util';
import { checks } from './checks/index.ts';
import { examineHost } from './harness/host.ts';
import { knownFailures } from './harness/known.ts';
import { writeResults } from './harness/results.ts';
import { type Job, runChecks } from './harness/runner.ts';
import { findRuntime } from './harness/runtime.ts';
import { summarize, tapHeader, tapLine, tapSummary } from './harness/tap.ts';

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: new URL('../dist/tsoci', import.meta.url).pathname },
    filter: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const chosen = checks.filter(({ id, section }) => `${id} ${section}`.includes(values.filter));
if (values.list) {
  for (const { id, section, level, requirement } of chosen) {
    console.log(`${id}\t${level}\t${section}\t${requirement}`);
  }
} else {
  process.exitCode = await main();
}

async function main(): Promise<number> {
  const runtime = findRuntime(values.runtime);
  const { known, remark } = knownFailures(runtime);
  const jobs: Job[] = chosen.map((check) => ({ check, runtime }));
  console.log(tapHeader(jobs.length));
  console.log(`# ${runtime.name} ${runtime.version}${remark === undefined ? '' : `; ${remark}`}`);
  const outcomes = await runChecks(jobs, examineHost(), Number(values.jobs), (outcome, number) => {
    const { check } = jobs[number - 1] as Job;
    console.log(tapLine(check, outcome, number, known));
  });
  const summary = summarize(outcomes, known);
  if (values.json !== undefined) writeResults(values.json, runtime, outcomes, known);
  console.log(tapSummary(summary));
  return summary.failed > 0 ? 1 : 0;
}
