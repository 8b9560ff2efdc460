// What `tsoci ns` shows: namespaces side by side, or as a tree.

import type { Caller } from '../../launcher/caller.ts';
import type { PinView, ProcessView } from '../../namespaces/list.ts';
import type { NamespaceType } from '../../namespaces/namespace-plan.ts';
import { table } from '../table.ts';
import { findTargets } from '../targets.ts';

/** How many pids are named of those in a namespace. */
const FEW = 4;

/** Of the containers, pids and pins named, or of all of the caller's. */
export async function showNamespaces(
  caller: Caller,
  root: string,
  names: readonly string[],
  json: boolean,
): Promise<void> {
  const { NAMESPACES, viewNamespaces, viewPins } = await import('../../namespaces/list.ts');
  const { findPin, listPins } = await import('../../namespaces/pins.ts');
  const { listContainers } = await import('../../container/state/oci-state.ts');
  const containers = listContainers(root);
  const isPin = (name: string) => !containers.some(({ id }) => id === name) && findPin(root, name);
  const pins = names.length === 0 ? listPins(root) : names.flatMap((name) => isPin(name) || []);
  const others = names.filter((name) => !pins.some((pin) => pin.name === name));
  const living = containers.filter(({ pid }) => pid !== 0).map(({ id, pid }) => ({ name: id, pid }));
  const processes =
    names.length === 0 ? [{ name: 'host', pid: caller.pid }, ...living] : await findTargets(root, others);
  const views = [...viewNamespaces(processes), ...viewPins(pins)];
  caller.write(caller.stdio[1], json ? `${JSON.stringify(views)}\n` : namespaceTable(NAMESPACES, views));
}

/** A row for each namespace, a column for each process and each pin. */
function namespaceTable(types: readonly NamespaceType[], views: readonly (ProcessView | PinView)[]): string {
  const rows = types.map((type) => [
    type,
    ...views.map(({ namespaces }) => {
      const view = namespaces[type];
      if (!view) return '-';
      const { inode, host, pids } = view;
      if (host) return `${inode} host, ${pids.length} in it`;
      if (pids.length === 0) return `${inode} nobody`;
      const few = pids.slice(0, FEW).join(' ');
      return `${inode} ${pids.length}: ${few}${pids.length > FEW ? ' …' : ''}`;
    }),
  ]);
  const heads = views.map((view) => ('pid' in view ? `${view.name} (${view.pid})` : `${view.name} (pinned)`));
  return table([['NAMESPACE', ...heads], ...rows]);
}

/** All namespaces that can be seen, below those that own them. */
export async function showTree(caller: Caller, root: string, json: boolean): Promise<void> {
  const { namespaceTree } = await import('../../namespaces/tree.ts');
  const { listPins } = await import('../../namespaces/pins.ts');
  const { listContainers } = await import('../../container/state/oci-state.ts');
  const names = new Map(listContainers(root).map(({ id, pid }) => [pid, id]));
  const tree = namespaceTree(listPins(root));
  caller.write(caller.stdio[1], json ? `${JSON.stringify(tree)}\n` : treeText(tree, names));
}

type Tree = ReturnType<typeof import('../../namespaces/tree.ts').namespaceTree>;

function treeText(
  nodes: Tree,
  names: ReadonlyMap<number, string>,
  above: string | undefined = undefined,
): string {
  return nodes
    .map((node, i) => {
      const last = i === nodes.length - 1;
      const branch = above === undefined ? '' : `${above}${last ? '└─ ' : '├─ '}`;
      const below = above === undefined ? '' : `${above}${last ? '   ' : '│  '}`;
      return `${branch}${node.type} ${node.inode}${remarks(node, names)}\n${treeText(node.children, names, below)}`;
    })
    .join('');
}

function remarks({ host, pids, pinned }: Tree[number], names: ReadonlyMap<number, string>): string {
  const told = pids.slice(0, FEW).map((pid) => {
    const name = names.get(pid);
    return name === undefined ? String(pid) : `${name} (${pid})`;
  });
  const who = host
    ? `${pids.length} processes`
    : `${told.join(', ') || 'nobody'}${pids.length > FEW ? `, and ${pids.length - FEW} more` : ''}`;
  return [...(host ? [' host'] : []), ...pinned.map((name) => ` pinned as ${name}`), `: ${who}`].join('');
}
