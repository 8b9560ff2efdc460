// The commands, each loaded only when it is called.

import type { Command } from './command.ts';

type Load = () => Promise<{ command: Command }>;

const loaders: Readonly<Record<string, Load>> = {
  create: () => import('./commands/create.ts'),
  start: () => import('./commands/start.ts'),
  run: () => import('./commands/run.ts'),
  exec: () => import('./commands/exec.ts'),
  state: () => import('./commands/state.ts'),
  kill: () => import('./commands/kill.ts'),
  delete: () => import('./commands/delete.ts'),
  list: () => import('./commands/list.ts'),
  ps: () => import('./commands/ps.ts'),
  pause: () => import('./commands/pause.ts'),
  resume: () => import('./commands/resume.ts'),
  checkpoint: () => import('./commands/checkpoint.ts'),
  restore: () => import('./commands/restore.ts'),
  update: () => import('./commands/update.ts'),
  events: () => import('./commands/events.ts'),
  spec: () => import('./commands/spec.ts'),
  plan: () => import('./commands/plan.ts'),
  validate: () => import('./commands/validate.ts'),
  features: () => import('./commands/features.ts'),
  network: () => import('./commands/network.ts'),
  ns: () => import('./commands/ns.ts'),
  doctor: () => import('./commands/doctor.ts'),
  serve: () => import('./commands/serve.ts'),
  explain: () => import('./commands/explain.ts'),
  diff: () => import('./commands/diff.ts'),
  debug: () => import('./commands/debug.ts'),
};

export const commandNames: readonly string[] = Object.keys(loaders);

/** The command of that name; undefined if there is none. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  if (!Object.hasOwn(loaders, name)) return undefined;
  return (await loaders[name]?.())?.command;
}

/** All commands, in the order in which they are told of. */
export async function loadCommands(): Promise<readonly Command[]> {
  const modules = await Promise.all(Object.values(loaders).map((load) => load()));
  return modules.map(({ command }) => command);
}
