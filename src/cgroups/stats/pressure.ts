// Pressure stall information (Documentation/accounting/psi.rst): the share of time that tasks waited for a resource.

import { tryReadCgroupFile } from '../cgroup-files.ts';
import { type Count, count } from './stat-values.ts';

export interface PressureLine {
  /** Percent of the last 10, 60 and 300 seconds. */
  avg10: number;
  avg60: number;
  avg300: number;
  /** Microseconds. */
  total: Count;
}

export interface Pressure {
  /** Some tasks waited. */
  some?: PressureLine;
  /** All did. */
  full?: PressureLine;
}

/** One of cpu.pressure, memory.pressure, io.pressure; undefined on a kernel that does not account (psi=0). */
export function readPressure(directory: string, file: string): Pressure | undefined {
  const text = tryReadCgroupFile(directory, file);
  return text === undefined ? undefined : parsePressure(text);
}

export function parsePressure(text: string): Pressure {
  const pressure: Pressure = {};
  for (const line of text.split('\n')) {
    const match = /^(some|full) avg10=(\S+) avg60=(\S+) avg300=(\S+) total=(\d+)$/.exec(line);
    if (!match) continue;
    const [, kind, avg10, avg60, avg300, total = '0'] = match;
    pressure[kind === 'some' ? 'some' : 'full'] = {
      avg10: Number(avg10),
      avg60: Number(avg60),
      avg300: Number(avg300),
      total: count(BigInt(total)),
    };
  }
  return pressure;
}
