// The options that create, run and plan have in common.

import { join, resolve } from 'node:path';
import type { CreateOptions } from '../container/create/options.ts';
import type { Invocation } from './command.ts';
import { DEBUG_OPTIONS, type DebugSettings } from './debugging.ts';
import { type Option, UsageError } from './options.ts';
import { ownExecutable } from './own-executable.ts';
import { callerPath } from './paths.ts';
import { CONSOLE_SOCKET, PID_FILE, PIDFD_SOCKET } from './process-options.ts';

/** Where its configuration is. */
export const BUNDLE_OPTIONS = [
  {
    long: 'bundle',
    short: 'b',
    kind: 'string',
    placeholder: 'DIR',
    help: 'the bundle: a directory with config.json and the root filesystem (default: the working directory)',
  },
  {
    long: 'config',
    short: 'f',
    kind: 'string',
    placeholder: 'FILE',
    help: 'the configuration to use in place of config.json, relative to the bundle',
  },
] as const satisfies readonly Option[];

/** What a container is made of. */
export const MAKE_OPTIONS = [
  ...BUNDLE_OPTIONS,
  {
    long: 'preserve-fds',
    kind: 'number',
    placeholder: 'N',
    default: 0,
    help: 'pass N descriptors from 3 on to the container, beside those that LISTEN_FDS counts',
  },
  {
    long: 'overlay',
    kind: 'flag',
    help: 'lay a writable layer in memory over the root filesystem: the bundle is never written, and what the container writes goes with it',
  },
  {
    long: 'network',
    kind: 'string',
    placeholder: 'SETTINGS',
    help: 'attach it to a bridge: the options of "tsoci network attach" as bridge=tsoci0,subnet=10.89.0.0/24,publish=8080:80',
  },
  {
    long: 'no-pivot',
    kind: 'flag',
    help: 'change the root without pivot_root, for a root filesystem on the initial ramdisk',
  },
  {
    long: 'no-new-keyring',
    kind: 'flag',
    help: 'leave the container the session keyring of the caller',
  },
] as const satisfies readonly Option[];

export const NO_SUBREAPER = {
  long: 'no-subreaper',
  kind: 'flag',
  help: 'accepted and ignored: tsoci is never a subreaper',
} as const satisfies Option;

export const CREATE_OPTIONS = [
  ...MAKE_OPTIONS,
  CONSOLE_SOCKET,
  PID_FILE,
  PIDFD_SOCKET,
  NO_SUBREAPER,
  ...DEBUG_OPTIONS,
] as const satisfies readonly Option[];

/** What these options ask of src/container/. Paths are relative to the caller's directory. */
export function createOptions(invocation: Invocation<typeof CREATE_OPTIONS>): CreateOptions {
  const { caller, values, operands } = invocation;
  return {
    ...makeOptions(invocation, values.bundle),
    id: operands[0] ?? '',
    pidFile: callerPath('pid-file', values['pid-file'], caller),
    pidfdSocket: callerPath('pidfd-socket', values['pidfd-socket'], caller),
    consoleSocket: callerPath('console-socket', values['console-socket'], caller),
  };
}

/** The same for MAKE_OPTIONS alone. */
export function makeOptions(
  { caller, globals, values }: Pick<Invocation<typeof MAKE_OPTIONS>, 'caller' | 'globals' | 'values'>,
  given: string | undefined,
): Omit<CreateOptions, 'id'> {
  const preserveFds = values['preserve-fds'];
  if (preserveFds < 0) throw new UsageError(`option --preserve-fds: ${preserveFds} is negative`);
  const bundle = callerPath('bundle', given, caller) ?? caller.cwd;
  return {
    root: globals.root,
    bundle,
    configFile: values.config && resolve(bundle, values.config),
    preserveFds,
    overlay: values.overlay,
    network:
      values.network === undefined ? undefined : { spec: values.network, tsoci: ownExecutable(caller) },
    noPivot: values['no-pivot'],
    noNewKeyring: values['no-new-keyring'],
    systemdCgroup: globals.cgroupManager === 'systemd',
    cgroupManager: globals.cgroupManager,
    rootless: globals.rootless,
  };
}

/** What DEBUG_OPTIONS and TSOCI_DEBUG ask of src/debug/. */
export function debugSettings(
  { values }: Invocation<typeof CREATE_OPTIONS>,
  { id, bundle, configFile }: CreateOptions,
): DebugSettings {
  return {
    id,
    configFile: configFile ?? join(bundle, 'config.json'),
    wait: values['debug-wait'],
    onError: values['on-error'],
  };
}
