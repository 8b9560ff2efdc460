// Namespaces with a name, which a file keeps that they are mounted on, with or without a process (namespaces(7)).
//
//   /run/netns/NAME    network, where ip-netns(8) has it
//   ROOT-ns/NAME/FILE  others, beside the state directory; FILE is called as in /proc/PID/ns

import { readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { NSFS_MAGIC } from '../linux/constants.ts';
import { ENOENT } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { closeNamespaces, type OpenNamespace, openNamespace } from './join.ts';
import { allTypes, type NamespaceType, namespaceTypes } from './namespace-plan.ts';

export const NETNS = '/run/netns';

/** A pid namespace ends with its first process: no other can be made in it then (pid_namespaces(7)). */
export const pinnable: readonly NamespaceType[] = allTypes.filter((type) => type !== 'pid');

export interface Pin {
  readonly name: string;
  /** Where each of its namespaces is mounted. */
  readonly paths: Readonly<Partial<Record<NamespaceType, string>>>;
}

/** The directory of all pins but those of network namespaces. */
export function pinsBeside(root: string): string {
  return `${root}-ns`;
}

export function pathOfPin(root: string, name: string, type: NamespaceType): string {
  return type === 'network' ? join(NETNS, name) : join(pinsBeside(root), name, namespaceTypes[type].file);
}

const NAME_MAX = 255;

export function checkPinName(name: string): void {
  if (name.length > NAME_MAX)
    throw new TsociError(`the name of the namespaces is longer than ${NAME_MAX} characters`);
  if (!/^[A-Za-z0-9_][A-Za-z0-9_+.-]*$/.test(name))
    throw new TsociError(
      `invalid name ${JSON.stringify(name)}: only letters, digits and _ + . - are allowed, and not . or - first`,
    );
}

/** All that there are, by name. */
export function listPins(root: string): Pin[] {
  const names = new Set([...namesIn(NETNS), ...namesIn(pinsBeside(root))]);
  return [...names].sort().flatMap((name) => findPin(root, name) ?? []);
}

/** Undefined where no namespace is kept by that name. A file that nothing is mounted on keeps none. */
export function findPin(root: string, name: string): Pin | undefined {
  const paths = pinnable
    .map((type) => [type, pathOfPin(root, name, type)] as const)
    .filter(([, path]) => isNamespace(path));
  return paths.length === 0 ? undefined : { name, paths: Object.fromEntries(paths) };
}

/** The same, or an error. */
export function requirePin(root: string, name: string): Pin {
  checkPinName(name);
  const pin = findPin(root, name);
  if (!pin) throw new TsociError(`no namespaces are called ${name}: tsoci ns lists those that are`);
  return pin;
}

/** Descriptors of what a pin keeps; none without a pin. */
export function openPin(pin: Pin | undefined): { namespaces: OpenNamespace[] } & Disposable {
  const namespaces: OpenNamespace[] = [];
  const opened = { namespaces, [Symbol.dispose]: () => closeNamespaces(namespaces) };
  using opening = new DisposableStack();
  opening.use(opened);
  for (const [type, path] of Object.entries(pin?.paths ?? {}))
    namespaces.push({ type: type as NamespaceType, path, fd: openNamespace(type as NamespaceType, path) });
  opening.move();
  return opened;
}

function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS_MAGIC;
  } catch {
    return false;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errnoOf(error) === ENOENT) return [];
    throw TsociError.from(`list ${directory}`, error);
  }
}
