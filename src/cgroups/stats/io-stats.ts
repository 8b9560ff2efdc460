// Block I/O statistics in runc's shape.

import { type Pressure, readPressure } from './pressure.ts';
import { type Count, count, readNested } from './stat-values.ts';

export interface BlkioEntry {
  major: number;
  minor: number;
  op: 'Read' | 'Write' | 'Discard';
  value: Count;
}

export interface BlkioStats {
  /** Bytes, by device and kind of operation. */
  ioServiceBytesRecursive?: BlkioEntry[];
  /** Operations, the same way. */
  ioServicedRecursive?: BlkioEntry[];
  psi?: Pressure;
}

const BYTES = { rbytes: 'Read', wbytes: 'Write', dbytes: 'Discard' } as const;
const OPERATIONS = { rios: 'Read', wios: 'Write', dios: 'Discard' } as const;

export function blkioStats(directory: string): BlkioStats {
  const devices = readNested(directory, 'io.stat');
  const bytes = entries(devices, BYTES);
  const operations = entries(devices, OPERATIONS);
  const psi = readPressure(directory, 'io.pressure');
  return {
    ...(bytes.length > 0 ? { ioServiceBytesRecursive: bytes } : {}),
    ...(operations.length > 0 ? { ioServicedRecursive: operations } : {}),
    ...(psi ? { psi } : {}),
  };
}

function entries(
  devices: readonly [name: string, values: Map<string, bigint>][],
  keys: Readonly<Record<string, BlkioEntry['op']>>,
): BlkioEntry[] {
  return devices.flatMap(([name, values]) => {
    const [major = Number.NaN, minor = Number.NaN] = name.split(':').map(Number);
    return Object.entries(keys).flatMap(([key, op]) => {
      const value = values.get(key);
      return value === undefined ? [] : [{ major, minor, op, value: count(value) }];
    });
  });
}
