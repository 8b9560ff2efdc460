// Runs checks, a few at a time, and tells how each one ended.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check } from './check.ts';
import { Skip } from './expect.ts';
import type { Host } from './host.ts';
import { installBusybox } from './rootfs.ts';
import type { Runtime } from './runtime.ts';
import { Trial } from './trial.ts';

export interface Outcome {
  id: string;
  status: 'pass' | 'fail' | 'skip';
  /** Why it failed or was skipped. */
  reason?: string;
  /** What had to be removed after the runtime's own clean-up. */
  left?: string[];
  milliseconds: number;
}

export interface Job {
  check: Check;
  runtime: Runtime;
}

/** Runs every job, `limit` at a time; `report` hears of each in the jobs' order. */
export async function runChecks(
  jobs: readonly Job[],
  host: Host,
  limit: number,
  report: (outcome: Outcome, number: number) => void,
): Promise<Outcome[]> {
  const directory = mkdtempSync(join(tmpdir(), 'conformance-'));
  chmodSync(directory, 0o711);
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  const outcomes: Outcome[] = [];
  // The checks that run end first, and clean up; a second signal ends all at once.
  let stopped: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    stopped = signal;
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    installBusybox(directory);
    let next = 0;
    let reported = 0;
    const work = async () => {
      for (let index = next++; index < jobs.length && stopped === undefined; index = next++) {
        const job = jobs[index] as Job;
        const name = `tc${process.pid}-${index + 1}`;
        outcomes[index] = await runCheck(job, host, join(directory, name), name);
        for (let done = outcomes[reported]; done; done = outcomes[reported]) report(done, ++reported);
      }
    };
    await Promise.all(Array.from({ length: limit }, work));
    return outcomes;
  } finally {
    remove();
    process.off('SIGINT', stop).off('SIGTERM', stop);
    if (stopped !== undefined) process.kill(process.pid, stopped);
  }
}

async function runCheck(
  { check, runtime }: Job,
  host: Host,
  directory: string,
  name: string,
): Promise<Outcome> {
  const start = performance.now();
  const unless = check.unless?.(host);
  if (unless !== undefined) return { id: check.id, status: 'skip', reason: unless, milliseconds: 0 };
  const trial = new Trial(runtime, host, directory, name);
  const outcome: Outcome = { id: check.id, status: 'pass', milliseconds: 0 };
  try {
    await check.run(trial);
  } catch (error) {
    outcome.status = error instanceof Skip ? 'skip' : 'fail';
    outcome.reason = error instanceof Error ? error.message : String(error);
  }
  const left = await trial.close();
  if (left.length > 0) outcome.left = left;
  outcome.milliseconds = Math.round(performance.now() - start);
  return outcome;
}
