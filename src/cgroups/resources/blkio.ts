// linux.resources.blockIO (config-linux.md#block-io) as files of the io controller (cgroup-v2.rst, "IO"; bfq-iosched.rst).

import type { BlockIO, ThrottleDevice, WeightDevice } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';
import { notInV2, setValue } from './integers.ts';
import type { HasFile, Plan, Write } from './resource-types.ts';

const FIELD = 'linux.resources.blockIO';

const THROTTLES = {
  throttleReadBpsDevice: 'rbps',
  throttleWriteBpsDevice: 'wbps',
  throttleReadIOPSDevice: 'riops',
  throttleWriteIOPSDevice: 'wiops',
} as const;

export function planBlkio(blockIO: BlockIO, has: HasFile): Plan {
  if (setValue(blockIO.leafWeight) !== undefined) throw noLeafWeight(`${FIELD}.leafWeight`);
  const writes: Write[] = [];
  const weight = setValue(blockIO.weight);
  if (weight !== undefined) writes.push(...planWeight(weight, has));
  for (const [i, device] of (blockIO.weightDevice ?? []).entries())
    writes.push(...planWeightDevice(device, `${FIELD}.weightDevice[${i}]`, has));
  for (const [name, key] of Object.entries(THROTTLES) as [keyof typeof THROTTLES, string][])
    for (const [i, throttle] of (blockIO[name] ?? []).entries())
      writes.push(planThrottle(throttle, key, `${FIELD}.${name}[${i}]`));
  return { writes, warnings: [] };
}

function noLeafWeight(field: string): TsociError {
  return notInV2(field, 'it belonged to the CFQ scheduler, which Linux 5.0 removed');
}

/** The default weight, for both who may share the device's time out: the BFQ scheduler and iocost. */
function planWeight(weight: bigint, has: HasFile): Write[] {
  const field = `${FIELD}.weight`;
  return weightFiles(weight, field, has).map(({ file, value }) => ({ file, value, controller: 'io', field }));
}

/** A device's weight. Either BFQ or iocost has the device; the other refuses (EOPNOTSUPP). */
function planWeightDevice(device: WeightDevice, field: string, has: HasFile): Write[] {
  if (setValue(device.leafWeight) !== undefined) throw noLeafWeight(`${field}.leafWeight`);
  const weight = setValue(device.weight);
  if (weight === undefined) throw new TsociError(`${field} must have a weight`);
  const [first, second] = weightFiles(weight, field, has).map(({ file, value }) => ({
    file,
    value: `${number(device)} ${value}`,
  }));
  if (!first) return [];
  return [{ ...first, controller: 'io', field, ...(second ? { otherwise: second } : {}) }];
}

/** cgroup v1's range of weights (10 to 1000), which BFQ has kept. iocost takes 1 to 10000. */
const MIN_WEIGHT = 10n;
const MAX_WEIGHT = 1000n;

function weightFiles(weight: bigint, field: string, has: HasFile): { file: string; value: string }[] {
  if (weight < MIN_WEIGHT || weight > MAX_WEIGHT)
    throw new TsociError(`${field} is ${weight}: a weight must be from ${MIN_WEIGHT} to ${MAX_WEIGHT}`);
  const files = [
    { file: 'io.bfq.weight', value: String(weight) },
    { file: 'io.weight', value: String(toIoWeight(weight)) },
  ].filter(({ file }) => has(file));
  if (files.length === 0)
    throw new TsociError(
      `${field} cannot be set: the kernel has neither io.bfq.weight (load the bfq module) nor io.weight (CONFIG_BLK_CGROUP_IOCOST)`,
    );
  return files;
}

/** 10…1000 to 1…10000, linear: the formula of runc and crun. */
export function toIoWeight(weight: bigint): bigint {
  return 1n + ((weight - MIN_WEIGHT) * 9999n) / (MAX_WEIGHT - MIN_WEIGHT);
}

/** One key of io.max; the device's other keys stay. Rate 0 lifts the limit, as in cgroup v1. */
function planThrottle(throttle: ThrottleDevice, key: string, field: string): Write {
  const rate = BigInt(throttle.rate) === 0n ? 'max' : throttle.rate;
  return { file: 'io.max', value: `${number(throttle)} ${key}=${rate}`, controller: 'io', field };
}

function number({ major, minor }: { major: number; minor: number }): string {
  return `${major}:${minor}`;
}
