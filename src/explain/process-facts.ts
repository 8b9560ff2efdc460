// What the kernel says of a running process, as facts (proc(5)). Works for a process of any runtime.

import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchy, parseProcCgroup } from '../cgroups/hierarchy.ts';
import { rlimitTypes } from '../config/generated/values.ts';
import { TsociError } from '../linux/errors.ts';
import { tryRead } from '../linux/files.ts';
import { parseMountinfo } from '../linux/mountinfo.ts';
import { NAMESPACES } from '../namespaces/list.ts';
import { namespaceTypes } from '../namespaces/namespace-plan.ts';
import { capabilityName, numbersIn } from '../security/capabilities.ts';
import { type Fact, type Facts, mountName } from './facts.ts';

/** The words of config.json for the lines Cap… of /proc/PID/status. */
const CAPABILITY_SETS = {
  bounding: 'CapBnd',
  effective: 'CapEff',
  inheritable: 'CapInh',
  permitted: 'CapPrm',
  ambient: 'CapAmb',
} as const;

/** Attributes of mounts that decide what can be done there; what they do to times is left out. */
const CONFINING_OPTIONS: readonly string[] = ['ro', 'nosuid', 'nodev', 'noexec'];

/** Files of a cgroup that limit, and the value that means no limit. */
export const LIMIT_FILES: Readonly<Record<string, string>> = {
  'memory.max': 'max',
  'memory.high': 'max',
  'memory.low': '0',
  'memory.swap.max': 'max',
  'pids.max': 'max',
  'cpu.max': 'max 100000',
  'cpu.weight': '100',
  'cpuset.cpus': '',
  'cpuset.mems': '',
};

/** An entry of uid_map or gid_map (user_namespaces(7)). */
export interface MapEntry {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

/** @throws TsociError where the process is not there, or is somebody else's */
export function processFacts(pid: number): Facts {
  const status = readStatus(pid);
  const facts = new Map<string, Fact>();
  const uidMap = readMap(pid, 'uid_map');
  const gidMap = readMap(pid, 'gid_map');
  const [, effectiveUid = ''] = words(status, 'Uid');
  const [, effectiveGid = ''] = words(status, 'Gid');
  facts.set('process.user.uid', inside(uidMap, effectiveUid));
  facts.set('process.user.gid', inside(gidMap, effectiveGid));
  facts.set(
    'process.user.additionalGids',
    words(status, 'Groups').map((gid) => inside(gidMap, gid)),
  );
  facts.set('process.user.umask', status.get('Umask') ?? '');
  facts.set('linux.uidMappings', uidMap.map(mapText));
  facts.set('linux.gidMappings', gidMap.map(mapText));
  for (const [set, field] of Object.entries(CAPABILITY_SETS))
    facts.set(`process.capabilities.${set}`, capabilityNames(status.get(field) ?? '0'));
  facts.set('process.noNewPrivileges', String(status.get('NoNewPrivs') === '1'));
  facts.set('linux.seccomp', status.get('Seccomp') === '2' ? 'filter' : 'none');
  facts.set('process.args', commandLine(pid));
  facts.set('process.cwd', tryLink(`/proc/${pid}/cwd`) ?? 'unknown');
  facts.set('process.env', zeroTerminated(pid, 'environ'));
  facts.set('process.oomScoreAdj', read(pid, 'oom_score_adj').trim());
  facts.set('process.label', label(pid));
  for (const [type, limit] of rlimits(pid)) facts.set(`process.rlimits.${type}`, limit);
  for (const type of NAMESPACES)
    facts.set(`linux.namespaces.${type}`, ownOrHost(pid, namespaceTypes[type].file));
  for (const [name, fact] of mountFacts(pid)) facts.set(name, fact);
  for (const [name, fact] of cgroupFacts(pid)) facts.set(name, fact);
  return facts;
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    throw TsociError.from(`read ${file} of process ${pid}`, error);
  }
}

function tryLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** proc_pid_status(5): the fields by their names. */
export function readStatus(pid: number): ReadonlyMap<string, string> {
  const lines = read(pid, 'status').trimEnd().split('\n');
  return new Map(
    lines.map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  );
}

function words(status: ReadonlyMap<string, string>, field: string): string[] {
  return (status.get(field) ?? '').split(/\s+/).filter(Boolean);
}

function readMap(pid: number, file: 'uid_map' | 'gid_map'): MapEntry[] {
  const lines = read(pid, file).trim().split('\n').filter(Boolean);
  return lines.map((line) => {
    const [inside = 0, outside = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { inside, outside, size };
  });
}

/** An id of ours as the process's user namespace calls it. */
function inside(map: readonly MapEntry[], id: string): string {
  const number = Number(id);
  const entry = map.find(({ outside, size }) => number >= outside && number < outside + size);
  return entry ? String(number - entry.outside + entry.inside) : `${id} (not mapped)`;
}

function mapText({ inside, outside, size }: MapEntry): string {
  return `${inside} ${outside} ${size}`;
}

function capabilityNames(mask: string): string[] {
  return numbersIn(BigInt(`0x${mask}`)).map(capabilityName);
}

function zeroTerminated(pid: number, file: string): string[] {
  return read(pid, file).split('\0').filter(Boolean);
}

function commandLine(pid: number): string {
  return zeroTerminated(pid, 'cmdline').join(' ');
}

/** The LSM's name for the process; empty where no LSM names it. */
function label(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/attr/current`, 'latin1').replace(/[\0\n]+$/, '');
  } catch {
    return '';
  }
}

/** /proc/PID/limits: a line each in the order of their numbers, soft and hard limit behind a name of several words. */
function rlimits(pid: number): [type: string, limits: string][] {
  const lines = read(pid, 'limits').trimEnd().split('\n').slice(1);
  return rlimitTypes.map((type, i) => {
    const [, soft = '', hard = ''] = (lines[i] ?? '').trim().split(/\s{2,}/);
    return [type, `${soft} ${hard}`];
  });
}

/** Whether a namespace is that of whoever asks. */
function ownOrHost(pid: number, file: string): string {
  const [theirs, ours] = [tryLink(`/proc/${pid}/ns/${file}`), tryLink(`/proc/self/ns/${file}`)];
  if (theirs === undefined) return 'unknown';
  return theirs === ours ? 'host' : 'own';
}

/** A mount as the process sees it. Of several at one place the last is on top. */
function mountFacts(pid: number): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const { mountPoint, type, options } of parseMountinfo(read(pid, 'mountinfo'))) {
    facts.set(mountName(mountPoint), type);
    facts.set(
      `${mountName(mountPoint)}.options`,
      options.filter((option) => CONFINING_OPTIONS.includes(option)),
    );
  }
  return facts;
}

function cgroupFacts(pid: number): Map<string, Fact> {
  const facts = new Map<string, Fact>();
  const path = parseProcCgroup(read(pid, 'cgroup'));
  if (path === undefined) return facts;
  facts.set('linux.cgroupsPath', path);
  const directory = join(findHierarchy()?.mountPoint ?? '/sys/fs/cgroup', path);
  for (const [file, unlimited] of Object.entries(LIMIT_FILES)) {
    const value = tryRead(join(directory, file));
    if (value !== undefined && value !== unlimited) facts.set(`cgroup/${file}`, value);
  }
  return facts;
}
