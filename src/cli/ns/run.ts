// `ns enter`, `ns run`, `ns add` and `ns delete`.

import type { Caller } from '../../launcher/caller.ts';
import { UsageError, type Values } from '../options.ts';
import { findTargets } from '../targets.ts';
import { chosenTypes, type KINDS, wantedNamespaces } from './kinds.ts';

export interface Given {
  caller: Caller;
  root: string;
  values: Values<typeof KINDS>;
  /** What follows the word for what to do. */
  operands: readonly string[];
  /** How many of them stood before a `--`. */
  separated: number | undefined;
}

/** A command in namespaces of a container or a process. */
export async function enter({ caller, root, values, operands }: Given): Promise<number> {
  const [target, ...args] = operands;
  if (target === undefined || args.length === 0)
    throw new UsageError('ns enter: ID or PID and a command are needed: ns enter [OPTIONS] ID -- COMMAND');
  if ((values.user ?? 'auto') !== 'auto' || (values.time ?? '0') !== '0')
    throw new UsageError('ns enter: --user and --time take no value: the namespaces are there already');
  const { runInNamespaces } = await import('../../container/run-in-namespaces.ts');
  const { allTypes } = await import('../../namespaces/namespace-plan.ts');
  const types = chosenTypes(values);
  const [found] = await findTargets(root, [target]);
  return found ? runInNamespaces(caller, found.pid, types.length > 0 ? types : allTypes, args) : 1;
}

/** A command in new namespaces, in those of a pin, or in both. */
export async function run({ caller, root, values, operands, separated }: Given): Promise<number> {
  if (separated === undefined || operands.length === separated)
    throw new UsageError('ns run: "--" and a command are needed: ns run [OPTIONS] [NAME] -- COMMAND');
  const [name, extra] = operands.slice(0, separated);
  if (extra !== undefined) throw new UsageError(`ns run: unexpected argument "${extra}" before "--"`);
  const { openPin, requirePin } = await import('../../namespaces/pins.ts');
  const { runInNewNamespaces } = await import('../../container/run-in-new-namespaces.ts');
  const wanted = wantedNamespaces(caller, values);
  const create = new Set(wanted.create);
  // For its /proc.
  if (create.has('pid')) create.add('mount');
  const pin = name === undefined ? undefined : requirePin(root, name);
  if (create.size === 0 && !pin)
    throw new UsageError('ns run: no namespaces are named: --net, --pid, …, or NAME');
  const twice = [...wanted.create].find((type) => pin?.paths[type] !== undefined);
  if (twice) throw new UsageError(`ns run: ${name} has a ${twice} namespace already; leave the option out`);
  using join = openPin(pin);
  return await runInNewNamespaces(
    caller,
    { ...wanted, create, join: join.namespaces },
    operands.slice(separated),
  );
}

export async function add({ caller, root, values, operands }: Given): Promise<number> {
  const [name, extra] = operands;
  if (name === undefined || extra !== undefined) throw new UsageError('ns add: one NAME is needed');
  const { addPin } = await import('../../namespaces/pin.ts');
  const wanted = wantedNamespaces(caller, values);
  if (wanted.create.size === 0) throw new UsageError('ns add: no namespaces are named: --net, --uts, …');
  addPin(caller, root, name, { ...wanted, join: [] });
  return 0;
}

export async function remove({ caller, root, operands }: Given): Promise<number> {
  if (operands.length === 0) throw new UsageError('ns delete: NAME is needed');
  const { deletePin } = await import('../../namespaces/pin.ts');
  for (const name of operands) deletePin(caller, root, name);
  return 0;
}
