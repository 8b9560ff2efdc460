// What is planned from `linux.resources`.

/** An integer of the config; 64-bit values that a number cannot hold are bigint. */
export type Integer = number | bigint;

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
