// The commands, each loaded only when it is called.

import type { Command } from './command.ts';

type Load = () => Promise<{ command: Command }>;

const loaders: Readonly<Record<string, Load>> = {
  create: () => import('./create.ts'),
  start: () => import('./start.ts'),
  run: () => import('./run.ts'),
  exec: () => import('./exec.ts'),
  state: () => import('./state.ts'),
  kill: () => import('./kill.ts'),
  delete: () => import('./delete.ts'),
  list: () => import('./list.ts'),
  ps: () => import('./ps.ts'),
  pause: () => import('./pause.ts'),
  resume: () => import('./resume.ts'),
  update: () => import('./update.ts'),
  events: () => import('./events.ts'),
  spec: () => import('./spec.ts'),
  plan: () => import('./plan.ts'),
  validate: () => import('./validate.ts'),
  features: () => import('./features.ts'),
  network: () => import('./network.ts'),
  ns: () => import('./ns.ts'),
  doctor: () => import('./doctor.ts'),
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
