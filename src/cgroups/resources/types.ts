// The `linux.resources` of config.json as the rooms of cgroups see it, and what is planned from it.

/** An integer of the config; 64-bit values that a number cannot hold are bigint. */
export type Integer = number | bigint;

export interface Memory {
  limit?: Integer;
  reservation?: Integer;
  swap?: Integer;
  kernel?: Integer;
  kernelTCP?: Integer;
  swappiness?: Integer;
  disableOOMKiller?: boolean;
  useHierarchy?: boolean;
  checkBeforeUpdate?: boolean;
}

export interface Cpu {
  shares?: Integer;
  quota?: Integer;
  burst?: Integer;
  period?: Integer;
  realtimeRuntime?: Integer;
  realtimePeriod?: Integer;
  cpus?: string;
  mems?: string;
  idle?: Integer;
}

export interface Throttle {
  major: Integer;
  minor: Integer;
  rate?: Integer;
}

export interface WeightDevice {
  major: Integer;
  minor: Integer;
  weight?: Integer;
  leafWeight?: Integer;
}

export interface BlockIO {
  weight?: Integer;
  leafWeight?: Integer;
  weightDevice?: WeightDevice[];
  throttleReadBpsDevice?: Throttle[];
  throttleWriteBpsDevice?: Throttle[];
  throttleReadIOPSDevice?: Throttle[];
  throttleWriteIOPSDevice?: Throttle[];
}

export interface HugepageLimit {
  pageSize: string;
  limit: Integer;
}

export interface Network {
  classID?: Integer;
  priorities?: { name: string; priority?: Integer }[];
}

export interface Rdma {
  hcaHandles?: Integer;
  hcaObjects?: Integer;
}

export interface DeviceRule {
  allow: boolean;
  type?: string;
  major?: Integer;
  minor?: Integer;
  access?: string;
}

export interface Resources {
  devices?: DeviceRule[];
  memory?: Memory;
  cpu?: Cpu;
  blockIO?: BlockIO;
  hugepageLimits?: HugepageLimit[];
  pids?: { limit?: Integer };
  rdma?: Record<string, Rdma>;
  network?: Network;
  unified?: Record<string, string>;
}

/** A value to write to a file of the container's cgroup. */
export interface Write {
  readonly file: string;
  /** Several lines are written one by one. */
  readonly value: string;
  /** The controller that the file belongs to; empty for the cgroup core. */
  readonly controller: string;
  /** Where the value stands in config.json: linux.resources.memory.limit. */
  readonly field: string;
  /** What to write instead where the file's owner does not have the device (EOPNOTSUPP). */
  readonly otherwise?: { readonly file: string; readonly value: string } | undefined;
  /** Refuse a value below the number in this file (memory.checkBeforeUpdate). */
  readonly notBelow?: string;
  /** A list file that must not go beyond the value afterwards (cpuset.cpus.effective). */
  readonly effective?: string;
}

/** What one section of the resources comes to. */
export interface Plan {
  readonly writes: Write[];
  readonly warnings: string[];
}

/** Whether the container's cgroup has a file. */
export type HasFile = (file: string) => boolean;
