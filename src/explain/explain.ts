// What confines a running process, for `tsoci explain`: the facts, what can only be said of a process that runs, and
// where it differs from its configuration.

import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchy } from '../cgroups/hierarchy.ts';
import type { Config } from '../config/generated/types.ts';
import { tryRead } from '../linux/files.ts';
import { parseMountinfo } from '../linux/mountinfo.ts';
import { NAMESPACES, viewNamespaces } from '../namespaces/list.ts';
import { namespaceTypes } from '../namespaces/namespace-plan.ts';
import { configFacts, runtimeMounts } from './config-facts.ts';
import { type Difference, drift, type Fact, type Facts, factsToJson } from './facts.ts';
import { type HostFile, hostFiles } from './host-files.ts';
import { processFacts, readStatus } from './process-facts.ts';

export interface NamespaceExplained {
  readonly type: string;
  readonly inode: number;
  /** Whose it is: the caller's (host), that of the process it is compared with (shared), or its own. */
  readonly whose: 'host' | 'shared' | 'own';
}

export interface Explanation {
  readonly name: string;
  readonly pid: number;
  /** The process's user as the host sees it. */
  readonly hostUid: number;
  readonly facts: Facts;
  readonly namespaces: readonly NamespaceExplained[];
  /** How many seccomp filters are on it. */
  readonly filters: number;
  /** Files of the cgroup that tell what is used, beside the limits among the facts. */
  readonly usage: Readonly<Record<string, string>>;
  /** Mounts that pass on to, or take from, another mount namespace. */
  readonly propagating: readonly { mountPoint: string; peers: string }[];
  readonly hostFiles: readonly HostFile[];
  /** Undefined where no configuration is known. */
  readonly drift: readonly Difference[] | undefined;
}

export interface Explained {
  readonly name: string;
  readonly pid: number;
  readonly config?: Config | undefined;
}

/** `against` is another process whose namespaces it may share. */
export function explain({ name, pid, config }: Explained, against?: { pid: number }): Explanation {
  const facts = processFacts(pid);
  const status = readStatus(pid);
  const own = facts.get('linux.namespaces.mount') === 'own';
  return {
    name,
    pid,
    hostUid: Number(status.get('Uid')?.split(/\s+/)[1]),
    facts,
    namespaces: namespacesOf(name, pid, against?.pid),
    filters: Number(status.get('Seccomp_filters') ?? 0),
    usage: usageOf(facts),
    propagating: own ? propagatingMounts(pid) : [],
    hostFiles: own ? hostFiles(pid) : [],
    drift: config && drift(configFacts(config), facts, runtimeMounts(config)),
  };
}

function namespacesOf(name: string, pid: number, against: number | undefined): NamespaceExplained[] {
  const [view] = viewNamespaces([{ name, pid }]);
  return NAMESPACES.flatMap((type) => {
    const found = view?.namespaces[type];
    if (!found) return [];
    const shared = against !== undefined && sameNamespace(pid, against, namespaceTypes[type].file);
    return [{ type, inode: found.inode, whose: found.host ? 'host' : shared ? 'shared' : 'own' }];
  });
}

function sameNamespace(pid: number, other: number, file: string): boolean {
  return readlinkSync(`/proc/${pid}/ns/${file}`) === readlinkSync(`/proc/${other}/ns/${file}`);
}

/** memory.max says what is allowed, memory.current what is used. */
function usageOf(facts: Facts): Record<string, string> {
  const path = facts.get('linux.cgroupsPath');
  if (typeof path !== 'string') return {};
  const directory = join(findHierarchy()?.mountPoint ?? '/sys/fs/cgroup', path);
  const files = ['memory.current', 'memory.peak', 'memory.swap.current', 'pids.current'];
  const found = files.flatMap((file): [string, string][] => {
    const value = tryRead(join(directory, file));
    return value === undefined ? [] : [[file, value]];
  });
  const used = /^usage_usec (\d+)/m.exec(tryRead(join(directory, 'cpu.stat')) ?? '')?.[1];
  return Object.fromEntries(used === undefined ? found : [...found, ['cpu.stat usage_usec', used]]);
}

function propagatingMounts(pid: number): { mountPoint: string; peers: string }[] {
  return parseMountinfo(tryRead(`/proc/${pid}/mountinfo`) ?? '')
    .filter(({ propagation }) => propagation.some((field) => /^(shared|master):/.test(field)))
    .map(({ mountPoint, propagation }) => ({ mountPoint, peers: propagation.join(' ') }));
}

export function explanationToJson({ facts, ...rest }: Explanation): Record<string, unknown> {
  return { ...rest, facts: factsToJson(facts) satisfies Record<string, Fact> };
}
