// What `tsoci events` tells, as it comes out of JSON: counters above 2^53 are rounded. The shape is runc's.

/** How long tasks waited for a resource (Pressure Stall Information). */
export interface PressureLine {
  /** Percent of the last 10, 60 and 300 seconds. */
  avg10: number;
  avg60: number;
  avg300: number;
  /** Microseconds. */
  total: number;
}

/** Pressure on a resource. */
export interface Pressure {
  /** Some tasks waited. */
  some?: PressureLine;
  /** All did. */
  full?: PressureLine;
}

/** A kind of memory, in bytes. */
export interface MemoryEntry {
  limit: number;
  usage?: number;
  /** The highest usage so far. */
  max?: number;
  /** How often the limit was hit. */
  failcnt: number;
}

/** What was read from or written to a device. */
export interface BlkioEntry {
  major: number;
  minor: number;
  op: 'Read' | 'Write' | 'Discard';
  value: number;
}

/** What a container uses. What its cgroup has no controller for is left out. */
export interface Stats {
  cpu: {
    /** Nanoseconds. */
    usage: { total: number; kernel: number; user: number };
    /** Periods of the quota, those in which it was used up, and the nanoseconds waited then. */
    throttling: { periods?: number; throttledPeriods?: number; throttledTime?: number };
    psi?: Pressure;
  };
  cpuset: { cpus?: number[]; mems?: number[] };
  memory: {
    /** The page cache. */
    cache?: number;
    usage?: MemoryEntry;
    /** Memory and swap together. */
    swap?: MemoryEntry;
    kernel?: MemoryEntry;
    kernelTCP?: MemoryEntry;
    /** The lines of memory.stat. */
    raw?: Record<string, number>;
    psi?: Pressure;
  };
  pids: { current?: number; limit?: number };
  blkio: {
    /** Bytes. */
    ioServiceBytesRecursive?: BlkioEntry[];
    /** Operations. */
    ioServicedRecursive?: BlkioEntry[];
    psi?: Pressure;
  };
  /** By page size. */
  hugetlb: Record<string, { usage?: number; failcnt: number }>;
}

/** Something that a container tells of itself: what it uses, or that it ran out of memory. */
export type ContainerEvent = { type: 'stats'; id: string; data: Stats } | { type: 'oom'; id: string };
