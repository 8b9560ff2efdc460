// `tsoci --debug`: each step in words, with the milliseconds since the command began. Those of a stub are told when it has
// replied, with the time that their program took.
//
//   2.4 ms: write "100" to pids.max of cgroup /sys/fs/cgroup/tsoci/web
//   5.0 ms: init 4711: mount proc on /proc (6 calls)  # mounts[0]
//   5.0 ms: init 4711: make directory /data: EEXIST (File exists)  # mounts[1] <0.412 ms>

import { describeErrno } from '../linux/errors.ts';
import { listenToSteps } from '../linux/steps.ts';
import { observeStubs } from '../stub/observer.ts';
import { type Exchange, ExchangeObserver, type Executed, executedCalls } from './exchange.ts';

/** Tells each step from here on, until the result is called. */
export function startStepLog(tell: (line: string) => void): () => void {
  const began = performance.now();
  const withTime = (step: string) => tell(`${(performance.now() - began).toFixed(1)} ms: ${step}`);
  const stopListening = listenToSteps(withTime);
  const stopObserving = observeStubs(new StepLog(withTime));
  return () => {
    stopListening();
    stopObserving();
  };
}

class StepLog extends ExchangeObserver {
  readonly decodes = false;
  readonly #tell: (step: string) => void;

  constructor(tell: (step: string) => void) {
    super();
    this.#tell = tell;
  }

  protected finished({ executor: { role, pid }, sent, reply, took }: Exchange): void {
    // That descriptors are closed again tells nobody anything.
    const calls = executedCalls(sent.operations, reply).filter(({ operation }) => operation.call !== 'close');
    const steps = stepsOf(calls);
    steps.forEach((step, i) => {
      const last = i === steps.length - 1;
      this.#tell(`${role} ${pid}: ${step}${last ? ` <${took.toFixed(3)} ms>` : ''}`);
    });
  }
}

/** Calls in a row that are for the same step are one. */
function stepsOf(calls: readonly Executed[]): string[] {
  const steps: Executed[][] = [];
  for (const call of calls) {
    const row = steps.at(-1);
    if (row?.[0] && row[0].operation.doing === call.operation.doing) row.push(call);
    else steps.push([call]);
  }
  return steps.map(describe);
}

function describe(calls: readonly Executed[]): string {
  const { doing = '', property } = calls[0]?.operation ?? {};
  const failure = calls.find(({ result }) => result !== undefined && result < 0)?.result;
  const count = calls.length > 1 ? ` (${calls.length} calls)` : '';
  const error = failure === undefined ? '' : `: ${describeErrno(-failure)}`;
  return `${doing}${count}${error}${property ? `  # ${property}` : ''}`;
}
