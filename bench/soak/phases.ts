// The three things that are done long enough for a leak, or a slow growth, to show.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../view.ts';
import { observe, type Sample, summarize, type Waits } from './observe.ts';

export type Mode = 'cold' | 'resident';

export interface Runtime {
  mode: Mode;
  place: Place;
  words: readonly string[];
  work: string;
  /** Bundles whose process ends by itself, and does not. */
  bundles: { ends: string; stays: string };
  mark: string;
}

export interface Phase {
  title: string;
  samples: Sample[];
}

export interface Soak {
  mode: Mode;
  phases: Phase[];
}

export interface Amounts {
  lives: number;
  alive: number;
  probes: number;
}

const SAMPLES = 50;
/** Containers that are probed in turn. */
const PROBED = 10;

export function soak(runtime: Runtime, amounts: Amounts): Soak {
  return {
    mode: runtime.mode,
    phases: [lives(runtime, amounts.lives), alive(runtime, amounts.alive), probes(runtime, amounts.probes)],
  };
}

/** One container after another. Every other one ends by itself; the rest are entered and killed. */
function lives(runtime: Runtime, count: number): Phase {
  const timer = new Timer(runtime);
  const pidFile = join(runtime.work, 'pid');
  return sampled(`${count} containers, one after another`, runtime, timer, count, (index) => {
    const id = `${runtime.mark}-life-${index}`;
    const stays = index % 2 === 1;
    timer.must(
      'create',
      '--bundle',
      stays ? runtime.bundles.stays : runtime.bundles.ends,
      '--pid-file',
      pidFile,
      id,
    );
    timer.must('start', id);
    if (stays) {
      const open = readdirSync(`/proc/${readFileSync(pidFile, 'utf8')}/fd`);
      if (open.length !== 3) throw new Error(`${id} has the descriptors ${open.join(' ')}`);
      timer.must('exec', id, '/bin/true');
      timer.must('kill', id, 'KILL');
    }
    // The init is a zombie, or gone, a moment after it has ended; runtimes refuse to delete before.
    timer.atLast('delete', id);
  });
}

/** Ever more containers that run, and what one more costs beside them. */
function alive(runtime: Runtime, count: number): Phase {
  const timer = new Timer(runtime);
  const idOf = (index: number) => `${runtime.mark}-alive-${index}`;
  const once = Math.ceil(count / SAMPLES);
  const phase = sampled(`${count} containers at once`, runtime, timer, count, (index) => {
    timer.must('create', '--bundle', runtime.bundles.stays, idOf(index));
    timer.must('start', idOf(index));
    if ((index + 1) % once !== 0) return;
    for (let another = 0; another < 10; another++) {
      const id = `${runtime.mark}-another-${another}`;
      timer.must('create', '--bundle', runtime.bundles.stays, id);
      timer.must('state', id);
      timer.must('delete', '--force', id);
    }
  });
  for (let index = 0; index < count; index++) timer.must('delete', '--force', idOf(index));
  return phase;
}

/** What a kubelet does: a process beside the container's again and again. */
function probes(runtime: Runtime, count: number): Phase {
  const timer = new Timer(runtime);
  const ids = Array.from({ length: PROBED }, (_, index) => `${runtime.mark}-probed-${index}`);
  for (const id of ids) timer.must('run', '--detach', '--bundle', runtime.bundles.stays, id);
  timer.take();
  const title = `${count} exec probes of ${PROBED} containers`;
  const phase = sampled(title, runtime, timer, count, (index) =>
    timer.must('exec', ids[index % PROBED] ?? '', '/bin/true'),
  );
  for (const id of ids) timer.must('delete', '--force', id);
  return phase;
}

function sampled(
  title: string,
  runtime: Runtime,
  timer: Timer,
  count: number,
  step: (index: number) => void,
): Phase {
  const samples: Sample[] = [];
  const between = Math.ceil(count / SAMPLES);
  for (let index = 0; index < count; index++) {
    step(index);
    if ((index + 1) % between !== 0) continue;
    samples.push({ done: index + 1, waits: timer.take(), held: observe(runtime.place) });
  }
  console.log(`${runtime.mode}: ${title}`);
  return { title, samples };
}

/** Calls the runtime, and knows how long each command took. */
class Timer {
  readonly #runtime: Runtime;
  readonly #errors: string;
  #times = new Map<string, number[]>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#errors = join(runtime.work, 'errors');
  }

  /** What was measured since it was asked for last, by command. */
  take(): Map<string, Waits> {
    const waits = new Map([...this.#times].map(([command, times]) => [command, summarize(times)]));
    this.#times = new Map();
    return waits;
  }

  must(command: string, ...args: string[]): void {
    const status = this.#call(command, args);
    if (status === 0) return;
    throw new Error(`${command} ${args.join(' ')}: exit ${status}: ${readFileSync(this.#errors, 'utf8')}`);
  }

  /** As must, but it may be refused for a while. */
  atLast(command: string, ...args: string[]): void {
    for (let tries = 500; tries > 0; tries--) if (this.#call(command, args) === 0) return;
    this.must(command, ...args);
  }

  /** A container keeps the standard error that it was created with: a pipe would not end. */
  #call(command: string, args: readonly string[]): number | null {
    const { place, words } = this.#runtime;
    const [program = '', ...rest] = [...place.prefix, ...words, command, ...args];
    const errors = openSync(this.#errors, 'w');
    const began = performance.now();
    const { status } = spawnSync(program, rest, { stdio: ['ignore', 'ignore', errors], timeout: 30_000 });
    const took = performance.now() - began;
    closeSync(errors);
    if (status === 0) this.#times.set(command, [...(this.#times.get(command) ?? []), took]);
    return status;
  }
}
