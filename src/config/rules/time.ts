// config-linux.md#offset-for-time-namespace

import { error, type Finding } from '../finding.ts';
import type { Config, TimeOffset } from '../generated/types.ts';
import { escapePointer } from '../json-scan.ts';
import { namespaceOf } from './namespaces.ts';

const section = 'config-linux.md#offset-for-time-namespace';
/** time_namespaces(7): those that a time namespace isolates. */
const clocks = ['monotonic', 'boottime'];
const NSEC_PER_SEC = 1_000_000_000;

export function timeOffsets(config: Config): Finding[] {
  const offsets = config.linux?.timeOffsets;
  if (offsets === undefined || Object.keys(offsets).length === 0) return [];
  const findings: Finding[] = [];
  const time = namespaceOf(config, 'time');
  if (!time || time.path) {
    const expected = 'a new namespace of type time in linux.namespaces';
    findings.push(error('/linux/timeOffsets', 'has no new time namespace', expected, section));
  }
  for (const [clock, offset] of Object.entries(offsets as Record<string, TimeOffset>)) {
    const pointer = `/linux/timeOffsets/${escapePointer(clock)}`;
    if (!clocks.includes(clock))
      findings.push(error(pointer, 'is a clock that Linux does not offset', clocks.join(' or '), section));
    else if ((offset.nanosecs ?? 0) >= NSEC_PER_SEC)
      findings.push(
        error(`${pointer}/nanosecs`, `is ${offset.nanosecs}`, `less than ${NSEC_PER_SEC}`, section),
      );
  }
  return findings;
}
