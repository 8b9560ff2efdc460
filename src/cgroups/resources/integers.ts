// Integers of the config, some of which are 64 bits wide.

import { TsociError } from '../../linux/errors.ts';
import type { Integer } from './resource-types.ts';

/** The value; undefined where it is missing or 0, which engines write for "not set" where 0 makes no limit. */
export function setValue(value: Integer | undefined): bigint | undefined {
  return value === undefined || BigInt(value) === 0n ? undefined : BigInt(value);
}

/** The value as a control file takes it: -1 is "max". Throws for what is less. */
export function maxOr(value: Integer, field: string): string {
  const number = BigInt(value);
  if (number < -1n) throw new TsociError(`${field} is ${number}: it must be -1 (no limit) or more`);
  return number === -1n ? 'max' : String(number);
}

/** The error for a setting of cgroup v1 that v2 cannot express (config-linux.md#unified, last paragraph). */
export function notInV2(field: string, instead: string): TsociError {
  return new TsociError(`${field} cannot be set: cgroup v2 has no equivalent; ${instead}`);
}
