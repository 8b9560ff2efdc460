// `print`: init as it is now, read from the kernel.

import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchy, parseProcCgroup } from '../cgroups/hierarchy.ts';
import { parseJson } from '../config/json.ts';
import { LIMIT_FILES, readStatus } from '../explain/process-facts.ts';
import { O_CLOEXEC } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { tryRead } from '../linux/files.ts';
import { type MountInfo, parseMountinfo } from '../linux/mountinfo.ts';
import { NAMESPACES } from '../namespaces/list.ts';
import { namespaceTypes } from '../namespaces/namespace-plan.ts';
import { capabilityName, lastCapability, numbersIn } from '../security/capabilities.ts';
import { columns } from './text.ts';

export const printables = ['mounts', 'ids', 'caps', 'fds', 'cgroup', 'ns', 'env', 'seccomp'] as const;
export type Printable = (typeof printables)[number];

export interface Looked {
  pid: number;
  /** Where the root of the container is for the process, while its root is that of the host. */
  rootfs: string | undefined;
  /** The text of config.json. */
  config: string | undefined;
  /** The environment that the process will have, if that is known already. */
  env: readonly string[] | undefined;
}

/** @throws TsociError where the process is gone */
export function print(what: Printable, looked: Looked): string[] {
  switch (what) {
    case 'mounts':
      return mounts(looked);
    case 'ids':
      return ids(looked.pid);
    case 'caps':
      return capabilities(looked.pid);
    case 'fds':
      return descriptors(looked.pid);
    case 'cgroup':
      return cgroup(looked.pid);
    case 'ns':
      return namespaces(looked.pid);
    case 'env':
      return environment(looked);
    case 'seccomp':
      return seccomp(looked);
  }
}

function read(pid: number, file: string): string {
  const text = tryRead(`/proc/${pid}/${file}`);
  if (text === undefined)
    throw new TsociError(`read /proc/${pid}/${file}: the process is gone, or may not be seen`);
  return text;
}

/** Those of the container. Before pivot_root they are below the root filesystem on the host, among the host's own. */
function mounts({ pid, rootfs }: Looked): string[] {
  const all = parseMountinfo(read(pid, 'mountinfo'));
  const below = rootfs === undefined ? undefined : (path: string) => insideOf(rootfs, path);
  const own = below ? all.filter(({ mountPoint }) => below(mountPoint) !== undefined) : all;
  const rows = own.map((mount) => [
    below?.(mount.mountPoint) ?? mount.mountPoint,
    mount.type,
    mount.source,
    optionsOf(mount),
  ]);
  const lines = columns([['MOUNTPOINT', 'TYPE', 'SOURCE', 'OPTIONS'], ...rows]);
  const others = all.length - own.length;
  if (!below) return lines;
  const hosts = `${others} of the host as well, which go with pivot_root`;
  return own.length === 0 ? [`no mount of the container yet; ${hosts}`] : [...lines, hosts];
}

function insideOf(rootfs: string, path: string): string | undefined {
  if (path === rootfs) return '/';
  return path.startsWith(`${rootfs}/`) ? path.slice(rootfs.length) : undefined;
}

function optionsOf({ options, propagation, superblock }: MountInfo): string {
  const others = superblock.filter((option) => option !== 'rw' && !options.includes(option));
  return [...options, ...propagation, ...others].join(',');
}

function ids(pid: number): string[] {
  const status = readStatus(pid);
  const four = (field: string) => {
    const [real, effective, saved, filesystem] = (status.get(field) ?? '').split(/\s+/);
    return [`real ${real}`, `effective ${effective}`, `saved ${saved}`, `filesystem ${filesystem}`].join(
      ', ',
    );
  };
  const map = (file: string) =>
    read(pid, file)
      .split('\n')
      .map((line) => line.trim().replace(/\s+/g, ' '))
      .join('; ');
  return [
    ...columns([
      ['uid', four('Uid')],
      ['gid', four('Gid')],
      ['groups', status.get('Groups')?.trim() || 'none'],
      ['umask', status.get('Umask') ?? ''],
      ['uid_map', map('uid_map')],
      ['gid_map', map('gid_map')],
      ['setgroups', tryRead(`/proc/${pid}/setgroups`) ?? 'allow'],
      ['no_new_privs', status.get('NoNewPrivs') === '1' ? 'yes' : 'no'],
    ]),
    '(ids as the host has them; a map has the first id inside, the first outside, how many)',
  ];
}

const SETS = {
  effective: 'CapEff',
  permitted: 'CapPrm',
  inheritable: 'CapInh',
  bounding: 'CapBnd',
  ambient: 'CapAmb',
};

function capabilities(pid: number): string[] {
  const status = readStatus(pid);
  const all = Array.from({ length: lastCapability() + 1 }, (_, i) => capabilityName(i));
  const rows = Object.entries(SETS).map(([set, field]) => {
    const names = numbersIn(BigInt(`0x${status.get(field) ?? '0'}`)).map(capabilityName);
    return [set, shownCapabilities(names, all)];
  });
  return columns(rows);
}

/** Of nearly all of them those that are missing. */
function shownCapabilities(names: readonly string[], all: readonly string[]): string {
  const missing = all.filter((name) => !names.includes(name));
  const short = (list: readonly string[]) => list.map((name) => name.replace('CAP_', '')).join(' ');
  if (missing.length === 0) return 'all';
  return missing.length < names.length ? `all but ${short(missing)}` : short(names) || 'none';
}

function descriptors(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw TsociError.from(`read ${directory}`, error);
  }
  const rows = names
    .map(Number)
    .sort((a, b) => a - b)
    .map((fd) => {
      const flags = /^flags:\s+(\d+)/m.exec(tryRead(`/proc/${pid}/fdinfo/${fd}`) ?? '')?.[1] ?? '0';
      const closes = Number.parseInt(flags, 8) & O_CLOEXEC ? 'close-on-exec' : '';
      return [String(fd), tryLink(join(directory, String(fd))), closes];
    });
  return columns([['FD', 'FILE', ''], ...rows]);
}

function tryLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '?';
  }
}

function cgroup(pid: number): string[] {
  const path = parseProcCgroup(read(pid, 'cgroup'));
  const mount = findHierarchy()?.mountPoint;
  if (path === undefined || mount === undefined) return ['no cgroup v2'];
  const directory = join(mount, path);
  const files = [
    ...Object.keys(LIMIT_FILES),
    'memory.current',
    'pids.current',
    'cgroup.controllers',
    'cgroup.freeze',
  ];
  const rows = files.flatMap((file) => {
    const value = tryRead(join(directory, file));
    return value === undefined ? [] : [[file, value === '' ? '(empty)' : value.replaceAll('\n', '; ')]];
  });
  return [directory, ...columns(rows)];
}

function namespaces(pid: number): string[] {
  const rows = NAMESPACES.map((type) => {
    const { file } = namespaceTypes[type];
    const own = tryLink(`/proc/${pid}/ns/${file}`);
    return [type, own, own === tryLink(`/proc/self/ns/${file}`) ? "the host's" : 'its own'];
  });
  return columns(rows);
}

function environment({ env, config }: Looked): string[] {
  if (env) return env.length > 0 ? [...env] : ['no variables'];
  const known = Object(configOf(config)).process?.env;
  const variables = Array.isArray(known) ? known.map(String) : [];
  return [...variables, '(process.env of config.json; HOME is added when the user is looked up)'];
}

function seccomp({ pid, config }: Looked): string[] {
  const status = readStatus(pid);
  const mode =
    { 0: 'no filter yet', 1: 'strict', 2: 'filter' }[Number(status.get('Seccomp') ?? 0)] ?? 'unknown';
  const filter = Object(configOf(config)).linux?.seccomp;
  const rows = [
    ['now', `${mode}${mode === 'filter' ? `, ${status.get('Seccomp_filters') ?? '?'} of them` : ''}`],
  ];
  if (filter === undefined) return columns([...rows, ['config', 'no linux.seccomp']]);
  rows.push(['default', String(filter.defaultAction)]);
  for (const entry of Array.isArray(filter.syscalls) ? filter.syscalls : []) {
    const names: unknown[] = Array.isArray(entry.names) ? entry.names : [];
    const conditions = Array.isArray(entry.args) && entry.args.length > 0 ? ', by their arguments' : '';
    rows.push([
      String(entry.action),
      `${names.length} ${names.length === 1 ? 'system call' : 'system calls'}${conditions}: ${names.slice(0, 4).join(' ')}${names.length > 4 ? ' …' : ''}`,
    ]);
  }
  return columns(rows);
}

/** What is in config.json, which was checked by the command that is debugged. */
function configOf(text: string | undefined): unknown {
  if (text === undefined) return {};
  const config: Record<string, unknown> = Object(parseJson(text));
  return { process: Object(config.process), linux: Object(config.linux) };
}
