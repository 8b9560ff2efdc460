// The options of `tsoci spec` that compose a configuration, and what they mean.

import { isAbsolute, posix } from 'node:path';
import type { Changes } from '../config/compose.ts';
import type { Mount } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { type Option, UsageError, type Values } from './options.ts';
import { callerPath } from './paths.ts';
import { checkSurroundings, parseUser } from './process-options.ts';

export const COMPOSE_OPTIONS = [
  {
    long: 'arg',
    short: 'a',
    kind: 'list',
    placeholder: 'ARG',
    help: 'a word of the command to execute, in place of sh (repeat it for each)',
  },
  {
    long: 'env',
    short: 'e',
    kind: 'list',
    placeholder: 'NAME=VALUE',
    help: 'a variable of its environment (may be repeated)',
  },
  { long: 'cwd', kind: 'string', placeholder: 'PATH', help: 'its working directory in the container' },
  {
    long: 'user',
    short: 'u',
    kind: 'string',
    placeholder: 'UID[:GID]',
    help: 'the user and group it has, as numbers',
  },
  { long: 'terminal', short: 't', kind: 'flag', help: 'give it a terminal (the default)' },
  { long: 'no-terminal', kind: 'flag', help: 'give it the standard streams of the caller' },
  {
    long: 'rootfs',
    kind: 'string',
    placeholder: 'DIR',
    help: 'the root filesystem (default: rootfs in the bundle)',
  },
  { long: 'read-only', kind: 'flag', help: 'make the root filesystem read-only (the default)' },
  { long: 'read-write', kind: 'flag', help: 'let the container write to the root filesystem' },
  { long: 'hostname', kind: 'string', placeholder: 'NAME', help: 'the hostname (default: tsoci)' },
  {
    long: 'bind',
    kind: 'list',
    placeholder: 'SRC:DST[:OPTIONS]',
    help: 'mount SRC of the host at DST, which is made in the root filesystem if it is not there; options as ro,nosuid (may be repeated)',
  },
  {
    long: 'network',
    kind: 'string',
    placeholder: 'SETTINGS',
    help: 'attach it to a bridge by hooks: settings as those of "tsoci run --network"',
  },
] as const satisfies readonly Option[];

/** What the options change. `knownOptions` are those that a bind mount may have. */
export function changesOf(
  values: Values<typeof COMPOSE_OPTIONS>,
  caller: Caller,
  knownOptions: readonly string[],
): Changes {
  const { user, cwd, hostname } = values;
  checkSurroundings(values);
  return {
    args: values.arg,
    env: values.env,
    cwd,
    user: user === undefined ? undefined : { gid: 0, ...parseUser(user) },
    terminal: either(values, 'terminal', 'no-terminal'),
    rootfs: callerPath('rootfs', values.rootfs, caller),
    readonly: either(values, 'read-only', 'read-write'),
    hostname,
    mounts: values.bind.map((text) => bindMount(text, caller, knownOptions)),
  };
}

/** True for the first of two flags, false for the second, undefined if neither is given. */
function either<Yes extends string, No extends string>(
  values: Readonly<Record<Yes | No, boolean>>,
  yes: Yes,
  no: No,
): boolean | undefined {
  if (values[yes] && values[no]) throw new UsageError(`both --${yes} and --${no} were given`);
  return values[yes] ? true : values[no] ? false : undefined;
}

/** `SRC:DST[:OPTIONS]`: a bind mount of the whole tree at SRC, which is relative to the caller's directory. */
function bindMount(text: string, caller: Caller, known: readonly string[]): Mount {
  const [from = '', to = '', list, ...rest] = text.split(':');
  const source = from && callerPath('bind', from, caller);
  if (!source || to === '' || rest.length > 0)
    throw new UsageError(`option --bind: "${text}" is not SRC:DST or SRC:DST:OPTIONS`);
  if (!isAbsolute(to))
    throw new UsageError(`option --bind: the destination "${to}" is no absolute path in the container`);
  const options = list === undefined || list === '' ? [] : list.split(',');
  for (const option of options) {
    if (!known.includes(option))
      throw new UsageError(`option --bind: "${option}" is no option of a bind mount`);
  }
  const bind = options.some((option) => option === 'bind' || option === 'rbind') ? [] : ['rbind'];
  return { destination: posix.normalize(to), type: 'none', source, options: [...bind, ...options] };
}
