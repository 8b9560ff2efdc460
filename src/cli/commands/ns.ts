import type { Caller } from '../../launcher/caller.ts';
import type { ProcessView } from '../../namespaces/list.ts';
import type { NamespaceType } from '../../namespaces/namespace-plan.ts';
import { defineCommand } from '../command.ts';
import { type Option, UsageError, type Values } from '../options.ts';
import { table } from '../table.ts';
import { findTargets } from '../targets.ts';

/** The options of `ns enter`, by the names of files in /proc/PID/ns. */
const TYPES = [
  { long: 'mnt', kind: 'flag', help: 'enter: the mount namespace, and the root directory' },
  { long: 'net', kind: 'flag', help: 'enter: the network namespace' },
  { long: 'pid', kind: 'flag', help: 'enter: the pid namespace' },
  { long: 'uts', kind: 'flag', help: 'enter: the uts namespace' },
  { long: 'ipc', kind: 'flag', help: 'enter: the ipc namespace' },
  { long: 'user', kind: 'flag', help: 'enter: the user namespace' },
  { long: 'cgroup', kind: 'flag', help: 'enter: the cgroup namespace' },
  { long: 'time', kind: 'flag', help: 'enter: the time namespace' },
] as const satisfies readonly Option[];

/** How many pids are named of those in a namespace. */
const FEW = 4;

export const command = defineCommand({
  name: 'ns',
  summary: 'show the namespaces of containers and processes, or enter them',
  description:
    'Shows the eight namespaces of containers and processes side by side: the inode number of each, whether it is that of the caller (host), how many processes are in it and the first of them. Without operands: of the caller and of all containers that have a process. "ns enter ID|PID -- COMMAND" executes a command of the namespaces named by options, all of them if none is; what a container confines besides (capabilities, seccomp, cgroup) it does not get: see exec.',
  exitStatus:
    '0 on success and 1 on failure. With "enter": that of the command, or 128 and the number of the signal that killed it',
  operands: ['[enter]', '[ID|PID...]'],
  options: [{ long: 'json', kind: 'flag', help: 'show the namespaces as JSON, with all pids' }, ...TYPES],
  examples: [
    { does: 'compare the container web with process 1 of the host', line: 'ns web 1' },
    {
      does: "list the container's network devices with the host's ip",
      line: 'ns enter --net web -- ip address',
    },
  ],
  async run({ caller, globals: { root }, values, operands }) {
    const [first, target, ...args] = operands;
    if (first === 'enter') return enter(caller, root, chosen(values), target, args);
    const { viewNamespaces } = await import('../../namespaces/list.ts');
    const views = viewNamespaces(
      operands.length > 0 ? await findTargets(root, operands) : await all(caller, root),
    );
    caller.write(caller.stdio[1], values.json ? `${JSON.stringify(views)}\n` : namespaceTable(views));
    return 0;
  },
});

function chosen(values: Values<typeof TYPES>): string[] {
  return TYPES.map(({ long }) => long).filter((name) => values[name]);
}

async function enter(
  caller: Caller,
  root: string,
  files: readonly string[],
  target: string | undefined,
  args: readonly string[],
): Promise<number> {
  if (target === undefined || args.length === 0)
    throw new UsageError('ns enter: ID or PID and a command are needed: ns enter [OPTIONS] ID -- COMMAND');
  const { runInNamespaces } = await import('../../container/run-in-namespaces.ts');
  const { allTypes, namespaceTypes } = await import('../../namespaces/namespace-plan.ts');
  const types = allTypes.filter((type) => files.length === 0 || files.includes(namespaceTypes[type].file));
  const [found] = await findTargets(root, [target]);
  return found ? runInNamespaces(caller, found.pid, types, args) : 1;
}

async function all(caller: Caller, root: string): Promise<{ name: string; pid: number }[]> {
  const { listContainers } = await import('../../container/state/oci-state.ts');
  const containers = listContainers(root).filter(({ pid }) => pid !== 0);
  return [{ name: 'host', pid: caller.pid }, ...containers.map(({ id, pid }) => ({ name: id, pid }))];
}

/** A row for each namespace, a column for each process. */
export function namespaceTable(views: readonly ProcessView[]): string {
  const types = Object.keys(views[0]?.namespaces ?? {}) as NamespaceType[];
  const rows = types.map((type) => [
    type,
    ...views.map(({ namespaces }) => {
      const { inode, host, pids } = namespaces[type];
      if (host) return `${inode} host, ${pids.length} in it`;
      const few = pids.slice(0, FEW).join(' ');
      return `${inode} ${pids.length}: ${few}${pids.length > FEW ? ' …' : ''}`;
    }),
  ]);
  return table([['NAMESPACE', ...views.map(({ name, pid }) => `${name} (${pid})`)], ...rows]);
}
