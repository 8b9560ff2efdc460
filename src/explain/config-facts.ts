// What a configuration makes of a process, as facts. What it leaves open has none.

import { readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { planResources } from '../cgroups/resources/resource-plan.ts';
import type { Config, Process } from '../config/generated/types.ts';
import { optionsOf } from '../config/mount-options.ts';
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
} from '../linux/constants.ts';
import { NAMESPACES } from '../namespaces/list.ts';
import { namespaceTypes } from '../namespaces/namespace-plan.ts';
import { RLIM_INFINITY } from '../security/rlimits.ts';
import { type Fact, type Facts, mountName } from './facts.ts';
import { LIMIT_FILES } from './process-facts.ts';

export function configFacts(config: Config): Facts {
  const facts = new Map<string, Fact>();
  if (config.process) addProcess(facts, config.process);
  const { linux = {} } = config;
  facts.set('linux.seccomp', linux.seccomp ? 'filter' : 'none');
  for (const kind of ['uidMappings', 'gidMappings'] as const) {
    const mappings = linux[kind];
    if (!mappings?.length) continue;
    const entries = mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`);
    facts.set(`linux.${kind}`, entries);
  }
  for (const type of NAMESPACES) {
    const entry = linux.namespaces?.find((namespace) => namespace.type === type);
    const own = entry && !(entry.path && isOurs(entry.path, namespaceTypes[type].file));
    facts.set(`linux.namespaces.${type}`, own ? 'own' : 'host');
  }
  addMounts(facts, config);
  // What no cgroup v2 can express is an error of `create`, not of a look at it.
  const { writes } = planResources(linux.resources ?? {}, () => true);
  for (const { file, value } of writes)
    if (LIMIT_FILES[file] !== undefined && value !== LIMIT_FILES[file]) facts.set(`cgroup/${file}`, value);
  return facts;
}

function addProcess(facts: Map<string, Fact>, process: Process): void {
  const { uid = 0, gid = 0, additionalGids, umask } = process.user ?? {};
  facts.set('process.user.uid', String(uid));
  facts.set('process.user.gid', String(gid));
  facts.set('process.user.additionalGids', (additionalGids ?? []).map(String));
  if (umask !== undefined) facts.set('process.user.umask', `0${umask.toString(8).padStart(3, '0')}`);
  facts.set('process.args', (process.args ?? []).join(' '));
  facts.set('process.cwd', posix.normalize(process.cwd));
  facts.set('process.env', lastOfEach(process.env ?? []));
  facts.set('process.noNewPrivileges', String(process.noNewPrivileges ?? false));
  if (process.oomScoreAdj !== undefined) facts.set('process.oomScoreAdj', String(process.oomScoreAdj));
  for (const { type, soft, hard } of process.rlimits ?? [])
    facts.set(`process.rlimits.${type}`, `${limitText(soft)} ${limitText(hard)}`);
  for (const [set, names] of Object.entries(capabilitiesAfterExecve(process, uid)))
    facts.set(`process.capabilities.${set}`, names);
}

/** What execve(2) makes of the sets that a process has before it (capabilities(7), with no file capabilities). */
function capabilitiesAfterExecve({ capabilities, noNewPrivileges }: Process, uid: number) {
  const { bounding = [], inheritable = [], permitted = [], ambient = [] } = capabilities ?? {};
  const ofRoot = [...new Set([...inheritable, ...bounding])];
  const held = uid === 0 ? ofRoot.filter((name) => !noNewPrivileges || permitted.includes(name)) : ambient;
  return { bounding, inheritable, ambient, permitted: held, effective: held };
}

/** Of a variable that is listed twice the last counts. */
function lastOfEach(env: readonly string[]): string[] {
  const byName = new Map(env.map((entry) => [entry.split('=', 1)[0], entry]));
  return [...byName.values()];
}

function limitText(limit: number | bigint): string {
  return BigInt(limit) === RLIM_INFINITY ? 'unlimited' : String(limit);
}

function isOurs(path: string, file: string): boolean {
  try {
    return readlinkSync(path) === readlinkSync(`/proc/self/ns/${file}`);
  } catch {
    return false;
  }
}

/** Of several mounts at one place the last is on top. A bind has the type of what it binds, which is not known here. */
function addMounts(facts: Map<string, Fact>, { root, mounts }: Config): void {
  if (root?.readonly) facts.set(`${mountName('/')}.options`, ['ro']);
  for (const mount of mounts ?? []) {
    const { destination, type } = mount;
    const parsed = optionsOf(mount);
    const name = mountName(posix.normalize(destination).replace(/(?<=.)\/$/, ''));
    if (parsed.bind === 'no' && type !== undefined) facts.set(name, type === 'cgroup' ? 'cgroup2' : type);
    const set = parsed.attributes.set | parsed.recursiveAttributes.set;
    const names = {
      ro: MOUNT_ATTR_RDONLY,
      nosuid: MOUNT_ATTR_NOSUID,
      nodev: MOUNT_ATTR_NODEV,
      noexec: MOUNT_ATTR_NOEXEC,
    };
    facts.set(
      `${name}.options`,
      Object.entries(names).flatMap(([option, flag]) => (set & flag ? [option] : [])),
    );
  }
}

/** Where a runtime mounts something that `mounts` does not list, by the names of facts. */
export function runtimeMounts({ process, linux }: Config): ReadonlySet<string> {
  const { maskedPaths = [], readonlyPaths = [], devices = [] } = linux ?? {};
  const nodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((node) => `/dev/${node}`);
  const console = process?.terminal ? ['/dev/console'] : [];
  const paths = [
    '/',
    ...maskedPaths,
    ...readonlyPaths,
    ...nodes,
    ...devices.map(({ path }) => path),
    ...console,
  ];
  return new Set(paths.map((path) => mountName(posix.normalize(path))));
}
