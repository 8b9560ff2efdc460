// Whether criu does anything: a criu that hangs must not hold up its caller for ever, and one that writes a hundred gigabytes
// must not be taken for one that hangs.

import { readdirSync } from 'node:fs';
import { tryRead } from '../linux/files.ts';
import { processStat } from '../linux/procfs.ts';

/** What of /proc/PID/io and /proc/PID/stat grows while a process works. */
export class Idleness {
  readonly #pid: number;
  readonly #limit: number;
  #last = '';
  #since = performance.now();

  /** `limit` is in milliseconds. */
  constructor(pid: number, limit: number) {
    this.#pid = pid;
    this.#limit = limit;
  }

  /** Whether neither it nor a child of it has used the processor, or read or written, for longer than the limit. */
  exceeded(): boolean {
    const now = traces(this.#pid);
    if (now !== this.#last) [this.#last, this.#since] = [now, performance.now()];
    return performance.now() - this.#since > this.#limit;
  }
}

function traces(pid: number): string {
  return [pid, ...childrenOf(pid)].map(traceOf).join('\n');
}

/** A process that waits for a disk (D) is at work. */
function traceOf(pid: number): string {
  const busy = processStat(pid)?.state === 'D' ? performance.now() : '';
  return `${pid} ${tryRead(`/proc/${pid}/schedstat`)} ${tryRead(`/proc/${pid}/io`)} ${busy}`;
}

/** Of all threads, to any depth. */
function childrenOf(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const own = threads.flatMap((thread) =>
    (tryRead(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
  return own.flatMap((child) => [child, ...childrenOf(child)]);
}
