// All that is measured in one view, as data.

import { type Timing, timeInTurns } from './hyperfine.ts';
import { type Memory, measureMemory } from './memory.ts';
import { launch, type Runtime, whyNot } from './runtimes.ts';
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
  const absent = new Map<string, string>();
  const present = runtimes.filter((runtime) => {
    const reason = whyNot(runtime, view, bundles.true);
    if (reason !== undefined) absent.set(runtime.name, reason);
    return reason === undefined;
  });
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

function timeTask(
  task: Task,
  view: View,
  runtimes: readonly Runtime[],
  floor: string,
  work: string,
  effort: Effort,
): Map<string, Timing> {
  const { running } = task;
  const commands = new Map(
    runtimes.map((runtime) => [runtime.name, [...view.prefix, ...task.command(runtime.words)]]),
  );
  commands.set('floor', [...view.prefix, floor]);
  if (running)
    for (const runtime of runtimes)
      launch(runtime, view, 'run', '--detach', '--bundle', running.bundle, running.id);
  try {
    return timeInTurns(commands, effort.rounds, task.long ? Math.ceil(effort.runs / 10) : effort.runs, work);
  } finally {
    if (running) for (const runtime of runtimes) launch(runtime, view, 'delete', '--force', running.id);
  }
}
