// All that is measured in one view, as data.

import { type Command, type Timing, timeInTurns } from './hyperfine.ts';
import { type Memory, measureMemory } from './memory.ts';
import { invoke, launch, placeOf, type Runtime, whyNot } from './runtimes.ts';
import { type Bundles, type Task, tasks } from './tasks.ts';
import type { View } from './view.ts';

export interface TaskResult {
  task: Task;
  /** By runtime, and 'floor'. */
  timings: Map<string, Timing>;
}

export interface ViewResult {
  view: View;
  /** Runtimes that cannot run in this view, with what they say. */
  absent: Map<string, string>;
  results: TaskResult[];
  memory: Map<string, Memory>;
}

export interface Effort {
  rounds: number;
  runs: number;
}

export function measure(
  view: View,
  runtimes: readonly Runtime[],
  bundles: Bundles,
  floor: string,
  work: string,
  effort: Effort,
): ViewResult {
  const { present, absent } = tryOut(runtimes, view, bundles);
  const results: TaskResult[] = [];
  for (const task of tasks(bundles, work)) {
    console.log(`${view.name}: ${task.title}`);
    results.push({ task, timings: timeTask(task, view, present, floor, work, effort) });
  }
  console.log(`${view.name}: memory`);
  const memory = new Map(
    present.map((runtime) => [runtime.name, measureMemory(runtime, view, bundles, work)]),
  );
  return { view, absent, results, memory };
}

/** Those that run in a view, warmed up; and those that do not, with what they say. */
export function tryOut(
  runtimes: readonly Runtime[],
  view: View,
  bundles: Bundles,
): { present: Runtime[]; absent: Map<string, string> } {
  const absent = new Map<string, string>();
  const present = runtimes.filter((runtime) => {
    const reason = whyNot(runtime, view, bundles.true);
    if (reason !== undefined) absent.set(runtime.name, reason);
    return reason === undefined;
  });
  for (const runtime of present.filter(({ warm }) => warm)) warmUp(runtime, view, bundles);
  return { present, absent };
}

function timeTask(
  task: Task,
  view: View,
  runtimes: readonly Runtime[],
  floor: string,
  work: string,
  effort: Effort,
): Map<string, Timing> {
  const { running } = task;
  const commands = new Map<string, Command>(
    runtimes.map((runtime) => [
      runtime.name,
      {
        words: task.command(runtime.words, idOf(runtime)),
        prepare: task.prepare?.(runtime.words),
        cleanUp: task.cleanUp?.(runtime.words),
        place: placeOf(runtime, view),
      },
    ]),
  );
  // As the launcher starts the runtime.
  commands.set('floor', { words: [floor], place: view.cold, env: { BUN_JSC_useJIT: '0' } });
  if (running)
    for (const runtime of runtimes)
      launch(runtime, view, 'run', '--detach', '--bundle', running, idOf(runtime));
  try {
    return timeInTurns(commands, effort.rounds, task.long ? Math.ceil(effort.runs / 10) : effort.runs, work);
  } finally {
    if (running) for (const runtime of runtimes) launch(runtime, view, 'delete', '--force', idOf(runtime));
  }
}

/** Commands before the first that is measured: an engine compiles what it executes often. */
const WARM_UP = 100;

function warmUp(runtime: Runtime, view: View, bundles: Bundles): void {
  for (let i = 0; i < WARM_UP; i++) invoke(runtime, view, 'run', '--bundle', bundles.true, 'warm-up');
}

/** Names a cgroup, too, of which there can be one at a time. */
function idOf({ name }: Runtime): string {
  return `running-${name.replaceAll(' ', '-')}`;
}
