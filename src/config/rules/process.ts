// config.md#process

import { error, type Finding, warning } from '../finding.ts';
import type { Process } from '../generated/types.ts';
import { isAbsolute, isEnvironmentEntry, NO_ID, quote } from './values.ts';

const section = 'config.md#process';
const userSection = 'config.md#posix-platform-user';
/** asm-generic/termios.h: struct winsize has 16 bits for each side. */
const USHRT_MAX = 0xffff;
const UMASK_BITS = 0o777;

/** The program: where and with what it is executed. */
export function program({ args = [], cwd, env = [] }: Process): Finding[] {
  const findings: Finding[] = [];
  if (!isAbsolute(cwd)) findings.push(error('/cwd', `is ${quote(cwd)}`, 'an absolute path', section));
  if (args.length === 0)
    findings.push(error('/args', 'names no program', 'at least one entry, the program', section));
  else if (args[0] === '') findings.push(error('/args/0', 'is empty', 'the program', section));
  for (const [i, entry] of env.entries()) {
    if (!isEnvironmentEntry(entry))
      findings.push(warning(`/env/${i}`, `is ${quote(entry)}`, 'NAME=value', section));
  }
  return findings;
}

/** The terminal's size; without a terminal it must be ignored. */
export function consoleSize({ terminal, consoleSize }: Process): Finding[] {
  if (!terminal || !consoleSize) return [];
  return (['height', 'width'] as const)
    .filter((side) => consoleSize[side] > USHRT_MAX)
    .map((side) => error(`/consoleSize/${side}`, `is ${consoleSize[side]}`, `at most ${USHRT_MAX}`, section));
}

export function user({ user }: Process): Finding[] {
  if (!user) return [];
  const findings: Finding[] = [];
  const ids = [
    ['uid', user.uid] as const,
    ['gid', user.gid] as const,
    ...(user.additionalGids ?? []).map((gid, i) => [`additionalGids/${i}`, gid] as const),
  ];
  for (const [name, id] of ids) {
    // setresuid(2) would leave the process the runtime's user: root.
    if (id === NO_ID)
      findings.push(error(`/user/${name}`, `is ${NO_ID}, which is no id`, 'an id', userSection));
  }
  if ((user.umask ?? 0) > UMASK_BITS) {
    const problem = `is ${user.umask} (octal ${user.umask?.toString(8)})`;
    findings.push(warning('/user/umask', problem, 'permission bits, at most 511 (octal 777)', userSection));
  }
  return findings;
}
