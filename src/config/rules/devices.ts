// config-linux.md#devices

import { error, type Finding, warning } from '../finding.ts';
import type { Config, Device } from '../generated/types.ts';
import { isAbsolute, NO_ID, quote } from './values.ts';

const section = 'config-linux.md#devices';
/** linux/kdev_t.h: a dev_t has 12 bits for the major and 20 for the minor number. */
const MAJOR_MAX = 0xfff;
const MINOR_MAX = 0xfffff;
/** chmod(2) */
const MODE_BITS = 0o7777;

export function devices(config: Config): Finding[] {
  const list = config.linux?.devices ?? [];
  return [...list.flatMap((device, i) => check(`/linux/devices/${i}`, device)), ...repeated(list)];
}

function check(pointer: string, { type, path, major, minor, fileMode = 0, uid, gid }: Device): Finding[] {
  const findings: Finding[] = [];
  const wrong = (name: string, problem: string, expected: string) =>
    findings.push(error(`${pointer}/${name}`, problem, expected, section));
  if (!isAbsolute(path)) wrong('path', `is ${quote(path)}`, 'an absolute path');
  if (type !== 'p') {
    for (const [name, value, max] of [
      ['major', major, MAJOR_MAX],
      ['minor', minor, MINOR_MAX],
    ] as const) {
      if (value === undefined) wrong(name, 'is missing', `a number, since the type is ${type}`);
      else if (value < 0 || value > max) wrong(name, `is ${value}`, `0 to ${max}`);
    }
  }
  // fchownat(2) would leave the owner as it is.
  if (uid === NO_ID) wrong('uid', `is ${NO_ID}, which is no id`, 'an id');
  if (gid === NO_ID) wrong('gid', `is ${NO_ID}, which is no id`, 'an id');
  if (fileMode > MODE_BITS) {
    const problem = `is ${fileMode} (octal ${fileMode.toString(8)}): bits above the permissions are ignored`;
    findings.push(warning(`${pointer}/fileMode`, problem, 'permission bits', section));
  }
  return findings;
}

function repeated(list: readonly Device[]): Finding[] {
  const findings: Finding[] = [];
  /** The first device at each path. */
  const byPath = new Map<string, string>();
  const seen = new Set<string>();
  for (const [i, device] of list.entries()) {
    const number = numberOf(device);
    const atPath = byPath.get(device.path);
    if (atPath !== undefined && atPath !== number)
      findings.push(
        error(`/linux/devices/${i}/path`, `is ${quote(device.path)} once more`, 'one device', section),
      );
    else if (atPath === undefined && device.type !== 'p' && seen.has(number))
      findings.push(
        warning(`/linux/devices/${i}`, 'is a device that has another path too', 'one path', section),
      );
    if (atPath === undefined) byPath.set(device.path, number);
    seen.add(number);
  }
  return findings;
}

/** What two entries for one device have in common: `c 1:3`. */
function numberOf({ type, major, minor }: Device): string {
  return `${type === 'u' ? 'c' : type} ${major}:${minor}`;
}
