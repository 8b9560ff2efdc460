// process.capabilities decided: which sets the container's process gets (config.md#linux-process, capabilities(7)).

import { readFileSync } from 'node:fs';
import type { Capabilities } from '../config/generated/types.ts';
import { capabilityNames } from '../config/generated/values.ts';
import { TsociError } from '../linux/errors.ts';
import { fieldOf } from '../linux/procfs.ts';

/** A set of capabilities: bit n is the capability of that number. */
export type CapabilityMask = bigint;

export interface CapabilitySets {
  readonly bounding: CapabilityMask;
  readonly permitted: CapabilityMask;
  readonly effective: CapabilityMask;
  readonly inheritable: CapabilityMask;
  readonly ambient: CapabilityMask;
}

/** What the process that will apply the sets has to give. */
export interface HeldCapabilities {
  readonly permitted: CapabilityMask;
  readonly bounding: CapabilityMask;
}

export interface CapabilityPlan {
  readonly sets: CapabilitySets;
  readonly held: HeldCapabilities;
  /** What config.json asks for and will not get: to be logged, never an error (config.md#linux-process). */
  readonly warnings: readonly string[];
  /** What is left out and missed by nobody: engines and `runc spec` name ambient capabilities that are not inheritable. */
  readonly notes: readonly string[];
}

const numbers: ReadonlyMap<string, number> = new Map(capabilityNames.map((name, number) => [name, number]));

export function maskOf(...names: readonly string[]): CapabilityMask {
  let mask = 0n;
  for (const name of names) {
    const number = numbers.get(name);
    if (number === undefined) throw new TsociError(`unknown capability ${name}`);
    mask |= 1n << BigInt(number);
  }
  return mask;
}

/** The numbers in a set, ascending. */
export function numbersIn(mask: CapabilityMask): number[] {
  const found: number[] = [];
  for (let number = 0; mask >> BigInt(number) > 0n; number++) {
    if (mask & (1n << BigInt(number))) found.push(number);
  }
  return found;
}

/** CAP_CHOWN, or "capability 41" for one that is younger than this program. */
export function capabilityName(number: number): string {
  return capabilityNames[number] ?? `capability ${number}`;
}

/** The highest capability that the kernel knows (capabilities(7), /proc/sys/kernel/cap_last_cap). */
export function lastCapability(): number {
  const file = '/proc/sys/kernel/cap_last_cap';
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    throw TsociError.from(`read ${file}`, error);
  }
}

/** What the first process of a user namespace holds, and one that joins it: everything (user_namespaces(7)). */
export function allCapabilities(last = lastCapability()): HeldCapabilities {
  const mask = (1n << BigInt(last + 1)) - 1n;
  return { permitted: mask, bounding: mask };
}

/** What a process of our own user namespace holds, of which `status` is the proc_pid_status(5). */
export function capabilitiesIn(status: string): HeldCapabilities {
  const field = (name: string): CapabilityMask => BigInt(`0x${fieldOf(status, name) ?? 0}`);
  return { permitted: field('CapPrm'), bounding: field('CapBnd') };
}

/**
 * The sets to apply. No capabilities in the config means none at all: only what is asked for is given.
 *
 * capset(2) and prctl(2) refuse some mixes as a whole; here the capability that breaks a rule is left out, with a
 * warning or a note, and the rest stays: permitted lies within what is held; effective within permitted; inheritable
 * within both what is held and the new bounding set; ambient within permitted and inheritable.
 */
export function planCapabilities(config: Capabilities | undefined, held: HeldCapabilities): CapabilityPlan {
  const warnings: string[] = [];
  const notes: string[] = [];
  const unknown = new Set<string>();
  const read = (set: keyof Capabilities, limit: CapabilityMask, reason: string): CapabilityMask => {
    let mask = 0n;
    const refused: string[] = [];
    for (const name of config?.[set] ?? []) {
      const number = numbers.get(name);
      if (number === undefined) unknown.add(name);
      else if (limit & (1n << BigInt(number))) mask |= 1n << BigInt(number);
      else refused.push(name);
    }
    const told = set === 'ambient' ? notes : warnings;
    if (refused.length > 0) told.push(`${set} capabilities left out, ${reason}: ${refused.join(', ')}`);
    return mask;
  };
  const bounding = read('bounding', held.bounding, 'not in the bounding set of the runtime');
  const permitted = read('permitted', held.permitted, 'not held by the runtime');
  const effective = read('effective', permitted, 'not permitted');
  const inheritable = read('inheritable', held.permitted & bounding, 'not held, or not in the bounding set');
  const ambient = read('ambient', permitted & inheritable, 'not both permitted and inheritable');
  if (unknown.size > 0) warnings.unshift(`unknown capabilities left out: ${[...unknown].join(', ')}`);
  return { sets: { bounding, permitted, effective, inheritable, ambient }, held, warnings, notes };
}

/**
 * The capabilities of a process that `exec --cap` runs: those of the container and the named ones. Never more
 * inheritable than the config says, or the container's files could pass them on (CVE-2022-29162); ambient only
 * takes what is inheritable already.
 */
export function withCapabilities(config: Capabilities | undefined, names: readonly string[]): Capabilities {
  const inheritable = config?.inheritable ?? [];
  const add = (set: keyof Capabilities): string[] => [...new Set([...(config?.[set] ?? []), ...names])];
  const ambient = [...(config?.ambient ?? []), ...names.filter((name) => inheritable.includes(name))];
  return {
    bounding: add('bounding'),
    permitted: add('permitted'),
    effective: add('effective'),
    inheritable,
    ambient: [...new Set(ambient)],
  };
}
