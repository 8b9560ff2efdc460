// The resource use of a cgroup, in the shape of runc's `events --stats`, which containerd and others parse.

import { readdirSync } from 'node:fs';
import { processesOf } from '../cgroup-processes.ts';
import { type CpuStats, type CpusetStats, cpuStats, cpusetStats } from './cpu-stats.ts';
import { type BlkioStats, blkioStats } from './io-stats.ts';
import { type MemoryStats, memoryStats } from './memory-stats.ts';
import { type Count, count, NO_LIMIT, readKeyed, readNested, readNumber } from './stat-values.ts';

export interface Stats {
  cpu: CpuStats;
  cpuset: CpusetStats;
  memory: MemoryStats;
  pids: PidsStats;
  blkio: BlkioStats;
  hugetlb: Record<string, HugetlbStats>;
  /** Of tsoci; runc has no such field. */
  rdma?: RdmaStats;
  intel_rdt: object;
  /** Interfaces that the runtime itself would have made for the container: none. */
  network_interfaces: null;
}

export interface PidsStats {
  current?: Count;
  /** Missing where there is no limit. */
  limit?: Count;
}

export interface HugetlbStats {
  usage?: Count;
  failcnt: Count;
}

export interface RdmaEntry {
  device: string;
  hca_handles?: Count;
  hca_objects?: Count;
}

export interface RdmaStats {
  current: RdmaEntry[];
  limit: RdmaEntry[];
}

export interface StatsEvent {
  type: 'stats';
  id: string;
  data: Stats;
}

export function statsEvent(id: string, directory: string): StatsEvent {
  return { type: 'stats', id, data: readStats(directory) };
}

/** Statistics of a controller that is off are left out. */
export function readStats(directory: string): Stats {
  const rdma = rdmaStats(directory);
  return {
    cpu: cpuStats(directory),
    cpuset: cpusetStats(directory),
    memory: memoryStats(directory),
    pids: pidsStats(directory),
    blkio: blkioStats(directory),
    hugetlb: hugetlbStats(directory),
    ...(rdma ? { rdma } : {}),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** Without the pids controller, the number of processes. */
function pidsStats(directory: string): PidsStats {
  const current = readNumber(directory, 'pids.current');
  if (current === undefined) return { current: processesOf(directory).length };
  const limit = readNumber(directory, 'pids.max') ?? NO_LIMIT;
  return { current: count(current), ...(limit === NO_LIMIT ? {} : { limit: count(limit) }) };
}

/** By page size. The usage is that of reservations where the kernel counts them (Linux 5.7), as in runc. */
function hugetlbStats(directory: string): Record<string, HugetlbStats> {
  const stats: Record<string, HugetlbStats> = {};
  for (const file of readdirSync(directory).sort()) {
    const [, size] = /^hugetlb\.(\d+[KMG]B)\.current$/.exec(file) ?? [];
    if (size === undefined) continue;
    const usage = readNumber(directory, `hugetlb.${size}.rsvd.current`) ?? readNumber(directory, file);
    const failcnt = readKeyed(directory, `hugetlb.${size}.events`)?.get('max') ?? 0n;
    stats[size] = { ...(usage === undefined ? {} : { usage: count(usage) }), failcnt: count(failcnt) };
  }
  return stats;
}

function rdmaStats(directory: string): RdmaStats | undefined {
  const current = rdmaEntries(directory, 'rdma.current');
  return current.length > 0 ? { current, limit: rdmaEntries(directory, 'rdma.max') } : undefined;
}

function rdmaEntries(directory: string, file: string): RdmaEntry[] {
  return readNested(directory, file).map(([device, values]) => {
    const handles = values.get('hca_handle');
    const objects = values.get('hca_object');
    return {
      device,
      ...(handles === undefined ? {} : { hca_handles: count(handles) }),
      ...(objects === undefined ? {} : { hca_objects: count(objects) }),
    };
  });
}
