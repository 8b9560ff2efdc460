// What `update` leaves of the resources that a container had. Pure.

import type { BlockIO, Resources } from '../../config/generated/types.ts';

/**
 * The resources after an update: what is named changes, the rest stays. Lists change by their key (device, page size),
 * as the kernel's files do; device rules, whose order counts, are replaced as a whole.
 */
export function mergeResources(current: Resources, changes: Resources): Resources {
  const merged: Resources = { ...current, ...changes };
  for (const section of ['memory', 'cpu', 'pids', 'network', 'rdma', 'unified'] as const)
    if (changes[section]) Object.assign(merged, { [section]: { ...current[section], ...changes[section] } });
  if (changes.blockIO) merged.blockIO = mergeBlockIO(current.blockIO ?? {}, changes.blockIO);
  if (changes.hugepageLimits)
    merged.hugepageLimits = mergeBy(
      current.hugepageLimits,
      changes.hugepageLimits,
      ({ pageSize }) => pageSize,
    );
  // Memory without a limit cannot have one together with swap.
  if (Number(changes.memory?.limit) === -1 && changes.memory?.swap === undefined && current.memory?.swap)
    merged.memory = { ...merged.memory, swap: -1 };
  return merged;
}

function mergeBlockIO(current: BlockIO, changes: BlockIO): BlockIO {
  const merged: BlockIO = { ...current, ...changes };
  const device = ({ major, minor }: { major: number; minor: number }) => `${major}:${minor}`;
  if (changes.weightDevice) merged.weightDevice = mergeBy(current.weightDevice, changes.weightDevice, device);
  for (const name of [
    'throttleReadBpsDevice',
    'throttleWriteBpsDevice',
    'throttleReadIOPSDevice',
    'throttleWriteIOPSDevice',
  ] as const)
    if (changes[name]) merged[name] = mergeBy(current[name], changes[name], device);
  return merged;
}

function mergeBy<T>(current: readonly T[] = [], changes: readonly T[], key: (item: T) => string): T[] {
  return [...new Map([...current, ...changes].map((item) => [key(item), item])).values()];
}
