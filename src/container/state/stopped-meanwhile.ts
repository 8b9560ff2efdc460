// A container may stop, or be deleted, at any moment while a command works on it.

import { TsociError } from '../../linux/errors.ts';
import { livesOn, type ProcessIdentity } from '../../linux/procfs.ts';

/**
 * Does a part of a command that needs the container alive. If it fails and the container has stopped meanwhile, that is
 * the reason that is told, not what could not be opened or entered because of it.
 */
export function unlessStopped<T>(doing: string, { pid, startTime }: ProcessIdentity, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (livesOn(pid, startTime)) throw error;
    throw new TsociError(`${doing}: the container has stopped`, { cause: error });
  }
}
