// uid_map, gid_map and setgroups of a new user namespace (user_namespaces(7)), and offsets of a new time namespace.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { step } from '../linux/steps.ts';

export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** What is written to uid_map must be shorter than a page (user_namespaces(7)). No architecture has smaller ones. */
const SMALLEST_PAGE = 4096;
/** Characters of a list of ids that an error shows. */
const LONGEST_SHOWN = 200;

/** Lines of uid_map and gid_map: inside, outside, length. */
function formatMappings(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
}

/** Whether a mapping includes an id of the container. */
function maps(mappings: readonly IdMapping[], id: number): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

/** Those of a user namespace, or of a mount. */
export interface UserMappings {
  uidMappings: readonly IdMapping[];
  gidMappings: readonly IdMapping[];
}

/** An id of the container as the host has it; undefined if it is not mapped. */
export function hostId(mappings: readonly IdMapping[], id: number): number | undefined {
  const mapping = mappings.find((one) => maps([one], id));
  return mapping && mapping.hostID + id - mapping.containerID;
}

/** Those of the user namespace of a process (user_namespaces(7)). */
export function readMappings(pid: number): UserMappings {
  const read = (file: string) =>
    readFileSync(`/proc/${pid}/${file}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([containerID = 0, hostID = 0, size = 0]) => ({ containerID, hostID, size }));
  return { uidMappings: read('uid_map'), gidMappings: read('gid_map') };
}

/** config.md#user: an error if the user namespace does not map all ids of the process, which then could not be started. */
export function checkMapped(
  user: { uid?: number; gid?: number; additionalGids?: readonly number[] } | undefined,
  uidMappings: readonly IdMapping[],
  gidMappings: readonly IdMapping[],
): void {
  const { uid = 0, gid = 0, additionalGids = [] } = user ?? {};
  const unmapped = (what: string, mappings: string, name: string) =>
    new TsociError(`${what} is not in linux.${mappings}`, { property: `process.user.${name}` });
  if (!maps(uidMappings, uid)) throw unmapped(`user ${uid}`, 'uidMappings', 'uid');
  if (!maps(gidMappings, gid)) throw unmapped(`group ${gid}`, 'gidMappings', 'gid');
  const foreign = additionalGids.findIndex((additional) => !maps(gidMappings, additional));
  if (foreign >= 0)
    throw unmapped(`group ${additionalGids[foreign]}`, 'gidMappings', `additionalGids[${foreign}]`);
}

/**
 * Writes the mappings of process `pid`'s user namespace. One mapping to oneself needs no rights (then setgroups is
 * denied first, as the kernel demands); more need CAP_SETUID and CAP_SETGID here, or newuidmap(1) and newgidmap(1).
 */
export function writeMappings(
  pid: number,
  uid: readonly IdMapping[],
  gid: readonly IdMapping[],
  caller: { uid: number; path: string | undefined },
): void {
  writeMap(pid, 'uid_map', uid, caller);
  if (mustDenySetgroups(caller, gid)) write(`/proc/${pid}/setgroups`, 'deny');
  writeMap(pid, 'gid_map', gid, caller);
}

/** Whether gid_map can be written only after setgroups(2) was denied: so it is for an ordinary user who maps one group. */
export function mustDenySetgroups(caller: { uid: number }, gid: readonly IdMapping[]): boolean {
  return caller.uid !== 0 && gid.length === 1 && gid[0]?.size === 1;
}

/** Whether the user namespace of a process denies setgroups(2): by what writeMappings wrote, or whoever else made it. */
export function deniesSetgroups(pid: number | 'self'): boolean {
  const file = `/proc/${pid}/setgroups`;
  // A kernel without user namespaces has none.
  return existsSync(file) && readFileSync(file, 'utf8').trim() === 'deny';
}

function writeMap(
  pid: number,
  file: 'uid_map' | 'gid_map',
  mappings: readonly IdMapping[],
  caller: { path: string | undefined },
): void {
  try {
    write(`/proc/${pid}/${file}`, formatMappings(mappings));
  } catch (error) {
    if (errnoOf(error) !== EPERM) throw error;
    writeByHelper(pid, file === 'uid_map' ? 'newuidmap' : 'newgidmap', mappings, caller.path, error);
  }
}

/** Milliseconds. The helpers only look into two files. */
const HELPER_TIMEOUT = 10_000;

function writeByHelper(
  pid: number,
  helper: 'newuidmap' | 'newgidmap',
  mappings: readonly IdMapping[],
  path: string | undefined,
  refusal: unknown,
): void {
  const numbers = mappings.flatMap(({ containerID, hostID, size }) =>
    [containerID, hostID, size].map(String),
  );
  const PATH = path || '/usr/local/bin:/usr/bin:/bin';
  step(`${helper} ${pid} ${shortened(numbers.join(' '))}`);
  // Loading the module takes long, so it is loaded only where a helper is called.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, error, stderr } = spawnSync(helper, [String(pid), ...numbers], {
    env: { PATH },
    encoding: 'utf8',
    timeout: HELPER_TIMEOUT,
  });
  if (error) {
    const why = refusal instanceof Error ? refusal.message : String(refusal);
    throw new TsociError(`${why}; and ${helper} could not be executed: is the package uidmap installed?`);
  }
  if (status !== 0) {
    const file = helper === 'newuidmap' ? '/etc/subuid' : '/etc/subgid';
    const answer = stderr.trim() || `exit ${status}`;
    const doing = `${helper} ${pid} ${shortened(numbers.join(' '))}`;
    throw new TsociError(`${doing}: ${answer}; does ${file} give the user all these ids?`);
  }
}

export interface TimeOffset {
  secs?: number | bigint | undefined;
  nanosecs?: number | undefined;
}

/** Writes the offsets of the time namespace that children of `pid` will be in (config-linux.md#offset-for-time-namespace). */
export function writeTimeOffsets(pid: number, offsets: Readonly<Record<string, TimeOffset>>): void {
  const lines = Object.entries(offsets).map(
    ([clock, { secs = 0, nanosecs = 0 }]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  if (lines.length > 0) write(`/proc/${pid}/timens_offsets`, lines.join(''));
}

function write(path: string, text: string): void {
  step(`write ${shortened(JSON.stringify(text.trim()))} to ${path}`);
  try {
    writeFileSync(path, text);
  } catch (error) {
    const { length } = text;
    const hint =
      length < SMALLEST_PAGE ? undefined : `the kernel takes less than a page, and not ${length} bytes`;
    throw TsociError.from(`write ${shortened(JSON.stringify(text.trim()))} to ${path}`, error, hint);
  }
}

/** Of a list that may be long only the beginning, in an error. */
function shortened(list: string): string {
  return list.length <= LONGEST_SHOWN ? list : `${list.slice(0, LONGEST_SHOWN)}…`;
}
