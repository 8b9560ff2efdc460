// Usage: node bench/prober.ts JSON
//
// Executes exec probes as the kubelet does: every container has a probe of its own, which begins once a period. One that is
// not back by then leaves out a turn. The result is JSON on standard output.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOfAwaited } from './processor-time.ts';

export interface Probing {
  /** A command line for each container. */
  commands: readonly (readonly string[])[];
  /** Milliseconds from the beginning of a probe of a container to that of its next. */
  period: number;
  seconds: number;
}

export interface Probed {
  /** How long each probe took, in milliseconds. */
  latencies: number[];
  failed: number;
  /** Seconds of processor that all probes have used. */
  cpu: number;
  /** From the first beginning to the last end. */
  seconds: number;
}

export async function probe({ commands, period, seconds }: Probing): Promise<Probed> {
  const latencies: number[] = [];
  let failed = 0;
  const before = cpuOfAwaited();
  const began = performance.now();
  const end = began + seconds * 1000;
  await Promise.all(
    commands.map(async (command, index) => {
      // Containers were not all started in the same moment.
      let next = began + (period * index) / commands.length;
      while (next < end) {
        await sleep(Math.max(0, next - performance.now()));
        const start = performance.now();
        if ((await execute(command)) !== 0) failed++;
        const now = performance.now();
        latencies.push(now - start);
        next += period * Math.max(1, Math.ceil((now - next) / period));
      }
    }),
  );
  return {
    latencies,
    failed,
    cpu: cpuOfAwaited() - before,
    seconds: (performance.now() - began) / 1000,
  };
}

function execute([program = '', ...args]: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'ignore', timeout: 60_000 });
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

if (import.meta.main) console.log(JSON.stringify(await probe(JSON.parse(process.argv[2] ?? ''))));
