// How tsoci is run again by others: as a hook of a container.

import { readlinkSync } from 'node:fs';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';

/** The launcher's executable. One that was replaced meanwhile has a mark behind its name (proc_pid_exe(5)). */
export function ownExecutable({ pid }: Caller): string {
  const link = `/proc/${pid}/exe`;
  try {
    return readlinkSync(link).replace(/ \(deleted\)$/, '');
  } catch (error) {
    throw TsociError.from(`read ${link}`, error);
  }
}
