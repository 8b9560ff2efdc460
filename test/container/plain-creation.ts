// What tests give that make a container, or plan one, in their own process.

import type { Caller } from '../../src/launcher/caller.ts';
import { processStatus } from '../../src/linux/procfs.ts';

/** This process, but root, and nobody listens. Who works for it is missing. */
export const plainCaller: Omit<Caller, 'launcher' | 'signals'> = {
  args: [],
  env: {},
  cwd: '/',
  umask: 0o22,
  pid: process.pid,
  status: processStatus('self'),
  uid: 0,
  gid: 0,
  stdio: [0, 1, 2],
  write: () => {},
  warn: () => {},
  debug: () => {},
};

/** No option of the command line was given. */
export const plainOptions = {
  preserveFds: 0,
  overlay: false,
  noPivot: false,
  noNewKeyring: false,
  systemdCgroup: false,
  cgroupManager: 'cgroupfs',
} as const;
