// --status-fd: whoever moves a container to another machine learns when its pages can be asked for.

import { closeSync, openSync, writeSync } from 'node:fs';
import type { Caller } from '../../launcher/caller.ts';
import { O_WRONLY } from '../../linux/constants.ts';
import { EBADF } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';

export interface StatusDescriptor extends Disposable {
  readonly fd: number;
}

/** Opens what the caller's descriptor is of, which is to be written to. */
export function openStatus({ pid, launcher }: Caller, number: number): StatusDescriptor {
  const path = `/proc/${pid}/fd/${number}`;
  try {
    if (number === launcher.control) throw TsociError.fromErrno(`open ${path}`, EBADF);
    const fd = openSync(path, O_WRONLY);
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    throw TsociError.from(`--status-fd ${number}`, error, 'is it a pipe or file that is open for writing?');
  }
}

/** A NUL, as runc writes it. */
export function tellReady({ fd }: StatusDescriptor): void {
  writeSync(fd, '\0');
}
