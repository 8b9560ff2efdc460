// The commands that are tried, and what has to be there before.

import type { Sandbox } from '../container/harness.ts';

export interface Command {
  name: string;
  args: (id: string) => string[];
  /** What brings the container there; its own command is then the next. */
  before: readonly (readonly string[])[];
  /** Whether it makes the container and nothing else: where it fails there is none. */
  makes: boolean;
}

const created = [['create']] as const;
const running = [['create'], ['start']] as const;

export const commands: readonly Command[] = [
  { name: 'run', args: (id) => ['run', id], before: [], makes: false },
  { name: 'create', args: (id) => ['create', id], before: [], makes: true },
  { name: 'start', args: (id) => ['start', id], before: created, makes: false },
  { name: 'exec', args: (id) => ['exec', id, 'true'], before: running, makes: false },
  { name: 'kill', args: (id) => ['kill', id, 'KILL'], before: running, makes: false },
  { name: 'delete', args: (id) => ['delete', '--force', id], before: running, makes: false },
  { name: 'state', args: (id) => ['state', id], before: created, makes: false },
];

/** A container as the command needs it. `run` ends by itself, the others wait to be ended. */
export function prepare(box: Sandbox, { name, before }: Command): string {
  const id = box.id();
  box.configure(name === 'run' ? 'exit 0' : 'sleep 1000');
  for (const words of before)
    if (box.detached(...words, id) !== 0) throw new Error(`${words.join(' ')} ${id} failed without a fault`);
  return id;
}
