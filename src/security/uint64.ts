// Numbers of config.json as the kernel takes them.

import { TsociError } from '../linux/errors.ts';

/** A uint64 as a bigint. `what` names it in the error. */
export function uint64(value: number | bigint, what: string): bigint {
  if (
    typeof value === 'bigint' ? value >= 0n && value < 2n ** 64n : Number.isSafeInteger(value) && value >= 0
  )
    return BigInt(value);
  throw new TsociError(`${what}: ${value} is not an unsigned 64-bit integer`);
}
