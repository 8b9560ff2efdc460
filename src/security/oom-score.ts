// process.oomScoreAdj (config.md#linux-process, proc_pid_oom_score_adj(5)).

import { writeFileSync } from 'node:fs';
import { EACCES } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { step } from '../linux/steps.ts';

const LIMIT = 1000;

/** Written by the runtime on the host: to go below what was inherited takes CAP_SYS_RESOURCE there. */
export function setOomScoreAdj(pid: number, score: number | undefined): void {
  if (score === undefined) return;
  const doing = `set oom_score_adj of process ${pid} to ${score}`;
  if (!Number.isInteger(score) || Math.abs(score) > LIMIT)
    throw new TsociError(`${doing}: not an integer between -${LIMIT} and ${LIMIT}`);
  step(doing);
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(score));
  } catch (error) {
    const hint = errnoOf(error) === EACCES ? 'lowering the score takes CAP_SYS_RESOURCE' : undefined;
    throw TsociError.from(doing, error, hint);
  }
}
