// Faults of a runtime, as data: what broken/runtime.ts does differently from the runtime it wraps.

import { type Json, removeAt, setAt, valueAt } from '../harness/json.ts';

export type Command = 'create' | 'start' | 'state' | 'kill' | 'delete' | 'exec' | 'spec';

/** A pointer is that of harness/json.ts: `/process/rlimits/-1`. */
export type Mutation =
  /** A property of the configuration has no effect. */
  | { ignores: string }
  /** A property of the configuration is taken for another value. */
  | { reads: string; as: Json }
  /** A list of the configuration is applied backwards. */
  | { reverses: string }
  /** Entries of one list are treated as entries of another: hooks of the wrong kind. */
  | { moves: string; to: string }
  /** Hooks are not told the container's state. */
  | { silences: 'hooks' }
  /** A shell command damages the container; in `createContainer`, `$ROOTFS` is its root. */
  | { sabotages: string; at?: 'createContainer' | 'startContainer' }
  /** `state` reports another value, or none. */
  | { reports: string; as: Json | undefined }
  /** An operation says it succeeded when it failed. */
  | { forgives: Command }
  /** An operation does nothing and says it succeeded. */
  | { skips: Command }
  /** An operation has flags of the runtime that nobody asked for: `--force`. */
  | { adds: string; to: Command }
  /** A shell command runs on the host after an operation; `$ID`, `$BUNDLE` and `$RUNTIME` (with its root) are set. */
  | { runs: string; after: Command }
  /** The same before it. */
  | { runs: string; before: Command }
  /** The runtime is executed by another command: `umask 0; exec "$@"`. */
  | { wraps: string; of: Command }
  /** All of these. */
  | { all: Mutation[] };

export function flatten(mutation: Mutation): Mutation[] {
  return 'all' in mutation ? mutation.all.flatMap(flatten) : [mutation];
}

/** Changes a configuration as the mutation says; false if that changes nothing. */
export function mutateConfig(config: object, mutation: Mutation, rootfs: string): boolean {
  if ('ignores' in mutation) return removeAt(config, mutation.ignores);
  if ('reads' in mutation) {
    setAt(config, mutation.reads, mutation.as);
    return true;
  }
  if ('reverses' in mutation) return listAt(config, mutation.reverses).reverse().length > 0;
  if ('moves' in mutation) {
    setAt(config, mutation.to, listAt(config, mutation.moves));
    return removeAt(config, mutation.moves);
  }
  if ('silences' in mutation) {
    const lists = Object.values(valueAt(config, '/hooks') ?? {}) as unknown[][];
    for (const hooks of lists) for (const [n, hook] of hooks.entries()) hooks[n] = withoutInput(hook as Hook);
    return lists.length > 0;
  }
  if ('sabotages' in mutation) {
    const { at = 'startContainer' } = mutation;
    const env = ['PATH=/bin:/usr/bin:/sbin:/usr/sbin', `ROOTFS=${rootfs}`];
    const hook = { path: '/bin/sh', args: ['sh', '-c', mutation.sabotages], env };
    if (valueAt(config, '/hooks') === undefined) setAt(config, '/hooks', {});
    const hooks = valueAt(config, `/hooks/${at}`);
    setAt(config, `/hooks/${at}`, [...(Array.isArray(hooks) ? hooks : []), hook]);
    return true;
  }
  return false;
}

interface Hook {
  path: string;
  args?: string[];
}

function withoutInput(hook: Hook): Hook {
  const [, ...args] = hook.args ?? [hook.path];
  return { ...hook, path: '/bin/sh', args: ['sh', '-c', 'exec "$0" "$@" </dev/null', hook.path, ...args] };
}

function listAt(config: object, pointer: string): unknown[] {
  const list = valueAt(config, pointer);
  return Array.isArray(list) ? list : [];
}
