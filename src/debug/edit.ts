// config.json read again while the container is being made. What was changed must be still to come.

import { existsSync, writeFileSync } from 'node:fs';
import { nameOf } from '../config/finding.ts';
import type { Config } from '../config/generated/types.ts';
import { escapePointer } from '../config/json-scan.ts';
import { loadChecked } from '../config/load.ts';
import { isWithin } from '../config/places.ts';
import type { Creation } from '../container/create/creation.ts';
import { containerDirectory, savedConfig } from '../container/state/store.ts';
import { TsociError } from '../linux/errors.ts';
import { readTextFile } from '../linux/text-file.ts';
import { planRootfs, type RootfsPlan } from '../rootfs/build.ts';
import type { Operation } from './protocol.ts';

/**
 * Properties in the order in which they are applied (container/init/sequence.ts). What is not named is taken in before there
 * is an init: namespaces, mappings, the cgroup and its limits, the filter, and what is recorded for later commands.
 */
const ORDER: readonly string[] = [
  'hostname',
  'domainname',
  'mounts',
  'linux.devices',
  'hooks.prestart',
  'hooks.createRuntime',
  'hooks.createContainer',
  'linux.sysctl',
  'process.apparmorProfile',
  'process.selinuxLabel',
  'linux.readonlyPaths',
  'linux.maskedPaths',
  'root.readonly',
  'process.cwd',
  'process.env',
  'process.args',
  'linux.personality',
  'linux.memoryPolicy',
  'process.ioPriority',
  'process.scheduler',
  'process.rlimits',
  'process.user',
  'process.noNewPrivileges',
  'process.capabilities',
];

const LIMITS = 'linux.resources';

/** The process is looked at as a whole before the first of it is applied. */
const PROCESS: readonly string[] = ORDER.slice(ORDER.indexOf('process.cwd'));

/** How far the making has come. */
export interface Progress {
  /** The state directory. */
  root: string;
  /** The property that is at hand, which was not applied yet. */
  reached: string | undefined;
  done: readonly Operation[];
}

/**
 * Reads the config of a creation again, and has the creation go on with it. The names of the values that differ.
 *
 * @throws TsociError where it is not valid, or where a change comes too late; nothing is changed then
 */
export function editConfig(creation: Creation, progress: Progress): string[] {
  const { bundle } = creation;
  const { file } = bundle.source;
  const text = readTextFile(file);
  const { value: next } = loadChecked(text, file);
  const changed = differences(bundle.config, next);
  if (changed.length === 0) return changed;
  const late = changed.find((name) => isTooLate(name, progress));
  if (late !== undefined)
    throw new TsociError(`${late} comes too late: it was applied already; quit, and begin anew with it`);
  changeMounts(creation, next);
  // Whoever applies a property reads it of this object when its turn comes.
  for (const name of Object.keys(bundle.config)) Reflect.deleteProperty(bundle.config, name);
  Object.assign(bundle.config, next);
  bundle.text = text;
  bundle.source.text = text;
  const saved = savedConfig(containerDirectory(progress.root, creation.options.id));
  if (existsSync(saved)) writeFileSync(saved, text, { mode: 0o600 });
  return changed;
}

/** Whether a property was applied before, or is a part of what was taken in as a whole. */
export function isTooLate(name: string, { reached, done }: Pick<Progress, 'reached' | 'done'>): boolean {
  // Limits are set before there is an init, one by one.
  if (isWithin(name, LIMITS) && reached !== undefined && isWithin(reached, LIMITS)) return false;
  const place = orderOf(name);
  if (place < 0) return done.length > 0;
  const [, index] = /^mounts\[(\d+)\]/.exec(name) ?? [];
  const [, reachedIndex] = /^mounts\[(\d+)\]/.exec(reached ?? '') ?? [];
  if (index !== undefined && reachedIndex !== undefined) return Number(index) < Number(reachedIndex);
  if (reached !== undefined && orderOf(reached) === place) return false;
  const furthest = Math.max(-1, ...done.map(({ property }) => (property ? orderOf(property) : -1)));
  if (index !== undefined && furthest === place)
    return done.some(({ property }) => property !== undefined && isWithin(property, `mounts[${index}]`));
  return furthest >= place;
}

/** The place in ORDER; all of the process that is looked at together has one. */
function orderOf(name: string): number {
  const place = ORDER.findIndex((known) => isWithin(name, known));
  return place >= 0 && PROCESS.includes(ORDER[place] ?? '') && place <= ORDER.indexOf('process.args')
    ? ORDER.indexOf('process.args')
    : place;
}

/** The mounts that are still to be made are those of the new config. The plan is the same object to who works through it. */
function changeMounts({ bundle, rootfs, options }: Creation, next: Config): void {
  if (!rootfs) return;
  const planned: RootfsPlan = planRootfs(next, bundle.path, bundle.rootfs, rootfs.overlay !== undefined);
  const before = bundle.config.mounts ?? [];
  const added = rootfs.mounts.splice(before.length);
  planned.mounts.forEach((mount, i) => {
    const known = rootfs.mounts[i];
    const same = known && JSON.stringify(before[i]) === JSON.stringify(next.mounts?.[i]);
    if (same) return;
    const type = 'type' in mount.from ? mount.from.type : '';
    if (type.startsWith('cgroup') || mount.options.idmap !== 'no')
      throw new TsociError(`mounts[${i}] comes too late: ${describeLate(type)} (${options.id})`);
    if (known) Object.assign(known, { idmapNamespace: undefined }, mount);
    else rootfs.mounts.push(mount);
  });
  rootfs.mounts.splice(planned.mounts.length);
  rootfs.mounts.push(...added);
  rootfs.devices = planned.devices;
  rootfs.readonly = planned.readonly;
}

function describeLate(type: string): string {
  return type === ''
    ? 'its user namespace was made before init'
    : 'a mount of the cgroup was prepared before init';
}

/** The names of the values in which two configurations differ: the innermost that both have. */
export function differences(one: unknown, other: unknown, pointer = ''): string[] {
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other))
    return same(one, other) ? [] : [nameOf(pointer)];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].flatMap((name) =>
    differences(one[name], other[name], `${pointer}/${escapePointer(name)}`),
  );
}

function same(one: unknown, other: unknown): boolean {
  return typeof one === typeof other ? Object.is(one, other) : String(one) === String(other);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
