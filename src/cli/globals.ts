// Options that stand before the command.

import { join } from 'node:path';
import type { Caller } from '../launcher/caller.ts';
import { inUserNamespace } from '../linux/procfs.ts';
import { FORMATS, LEVELS, type LogOptions } from './log.ts';
import { type Option, UsageError, type Values } from './options.ts';
import { callersPath } from './paths.ts';

export const GLOBAL_OPTIONS = [
  {
    long: 'root',
    kind: 'string',
    placeholder: 'DIR',
    help: 'where the state of containers is kept, on a tmpfs (default: /run/tsoci, or $XDG_RUNTIME_DIR/tsoci for a user who is not root)',
  },
  {
    long: 'log',
    kind: 'string',
    placeholder: 'FILE',
    help: 'append errors, warnings and debug messages to this file (default: standard error)',
  },
  {
    long: 'log-format',
    kind: 'string',
    placeholder: 'FORMAT',
    choices: FORMATS,
    help: 'text or json, both as runc writes them',
  },
  {
    long: 'log-level',
    kind: 'string',
    placeholder: 'LEVEL',
    choices: LEVELS,
    default: 'warning',
    help: 'the least important messages to tell: error, warning, info or debug',
  },
  { long: 'debug', kind: 'flag', help: 'tell each step, and with an error where in tsoci it arose' },
  {
    long: 'trace',
    kind: 'list',
    placeholder: 'FILE|WHAT',
    bare: '',
    help: 'write each system call that makes a container, with the property that wants it: to standard error, or appended to FILE, which has a / in its name, or ends in .json for trace events, as Perfetto draws them. WHAT is a list of properties, rooms, processes and system calls that are shown alone: mounts,security,execve (may be repeated)',
  },
  {
    long: 'cgroup-manager',
    kind: 'string',
    placeholder: 'MANAGER',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    default: 'cgroupfs',
    help: 'who makes cgroups: tsoci itself (cgroupfs), systemd, or nobody (disabled)',
  },
  {
    long: 'systemd-cgroup',
    kind: 'flag',
    help: 'the same as --cgroup-manager systemd; cgroupsPath has the form slice:prefix:name',
  },
  {
    long: 'rootless',
    kind: 'string',
    placeholder: 'WHEN',
    choices: ['true', 'false', 'auto'],
    default: 'auto',
    help: 'go on without a cgroup that may not be made, and make others beside that of the caller: true, false, or auto (for whoever is not root, or root of a user namespace only)',
  },
  {
    long: 'criu',
    kind: 'string',
    placeholder: 'FILE',
    help: 'the program criu, for checkpoint and restore (default: the one in PATH)',
  },
  { long: 'version', short: 'v', kind: 'flag', help: 'show the version' },
] as const satisfies readonly Option[];

export type GlobalValues = Values<typeof GLOBAL_OPTIONS>;

/** What the global options mean for a command. */
export interface Globals {
  /** The absolute directory that holds one directory for each container. */
  readonly root: string;
  /** Whether the caller has named it: then it must be there to be listed. */
  readonly rootGiven: boolean;
  readonly cgroupManager: GlobalValues['cgroup-manager'];
  readonly rootless: GlobalValues['rootless'];
  /** The absolute path of criu, if it is given. */
  readonly criu: string | undefined;
}

export function logOptions(values: GlobalValues, caller: Caller): LogOptions {
  // crun names the kind of log before its file; journald and syslog are not offered.
  const file = values.log?.replace(/^file:/, '');
  return {
    file: file === undefined || file === '/dev/stderr' ? file : callersPath(file, caller),
    format: values['log-format'],
    level: values.debug ? 'debug' : values['log-level'],
  };
}

/** What --trace asks for. Its file, if there is one, is a path of ours. */
export function traceRequest(
  { trace }: GlobalValues,
  namesFile: (value: string) => boolean,
  caller: Caller,
): { words: string[]; file: string | undefined } {
  const [file, another] = trace.filter(namesFile);
  if (another !== undefined) throw new UsageError(`option --trace: both ${file} and ${another} are files`);
  const words = trace.filter((value) => !namesFile(value)).flatMap((value) => value.split(','));
  return {
    words: words.map((word) => word.trim()).filter((word) => word !== ''),
    file: file === undefined ? undefined : callersPath(file, caller),
  };
}

export function readGlobals(values: GlobalValues, caller: Caller): Globals {
  return {
    root: stateRoot(values.root, caller),
    rootGiven: values.root !== undefined,
    cgroupManager: values['systemd-cgroup'] ? 'systemd' : values['cgroup-manager'],
    rootless: values.rootless,
    criu: values.criu === undefined ? undefined : callersPath(values.criu, caller),
  };
}

function stateRoot(given: string | undefined, caller: Caller): string {
  if (given === undefined) return defaultRoot(caller);
  const root = callersPath(given, caller);
  if (given === '' || root === '/') throw new UsageError(`option --root: "${given}" is no place for state`);
  return root;
}

/** /run belongs to root: others, and root of a user namespace who is not called so, have a directory of their own. */
function defaultRoot({ uid, env }: Caller): string {
  // A relative path is to be ignored (XDG Base Directory Specification): other commands could not find it.
  const own = env.XDG_RUNTIME_DIR?.startsWith('/') ? env.XDG_RUNTIME_DIR : undefined;
  const privileged = uid === 0 && !(own && env.USER !== 'root' && inUserNamespace());
  if (privileged) return '/run/tsoci';
  return join(own || `/run/user/${uid}`, 'tsoci');
}
