// The names of slice and scope (systemd.unit(5)) from linux.cgroupsPath: slice:prefix:name, as runc and crun take it.

import { TsociError } from '../../linux/errors.ts';

export interface UnitNames {
  readonly slice: string;
  /** PREFIX-NAME.scope, or NAME.scope where the prefix is empty. */
  readonly scope: string;
}

/** UNIT_NAME_MAX of systemd is 256 with the NUL. */
const LONGEST = 255;
const PREFIX = 'tsoci';

/** `defaultSlice` is where containers go that do not say: system.slice, or a user's user.slice. */
export function unitNames(cgroupsPath: string | undefined, id: string, defaultSlice: string): UnitNames {
  if (!cgroupsPath) return { slice: defaultSlice, scope: scopeName(PREFIX, id) };
  const parts = cgroupsPath.split(':');
  const [slice, prefix, name] = parts;
  if (parts.length !== 3 || slice === undefined || prefix === undefined || !name)
    throw refused(cgroupsPath, 'must have the form slice:prefix:name with the systemd cgroup manager');
  if (slice !== '' && !isSlice(slice)) throw refused(cgroupsPath, `names no slice: ${JSON.stringify(slice)}`);
  if (/\.(slice|scope|service)$/.test(name))
    throw refused(cgroupsPath, 'names a unit, where the name of a new scope is expected');
  const scope = scopeName(prefix, name);
  if (scope.length > LONGEST) throw refused(cgroupsPath, `makes a unit name above ${LONGEST} characters`);
  return { slice: slice || defaultSlice, scope };
}

function scopeName(prefix: string, name: string): string {
  return `${escapeName(prefix ? `${prefix}-${name}` : name)}.scope`;
}

/** systemd.slice(5): components between dashes, none of them empty; "-.slice" is the root. */
function isSlice(name: string): boolean {
  return name === '-.slice' || /^[A-Za-z0-9:_.\\]+(-[A-Za-z0-9:_.\\]+)*\.slice$/.test(name);
}

/** Bytes that a unit name cannot have, as systemd-escape(1) writes them; dashes stay. */
function escapeName(text: string): string {
  return text.replace(/[^A-Za-z0-9:_.\\-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

function refused(cgroupsPath: string, why: string): TsociError {
  return new TsociError(`linux.cgroupsPath ${JSON.stringify(cgroupsPath)} ${why}`);
}
