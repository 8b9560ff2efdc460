// The file that tells an engine the pid (--pid-file).

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TsociError } from '../../linux/errors.ts';

/**
 * Engines watch for the file: it must never be there half written. The first name is made anew, since in a directory of
 * many somebody could have put a link there.
 */
export function writePidFile(path: string, pid: number): void {
  const next = join(dirname(path), `.${basename(path)}.next`);
  try {
    rmSync(next, { force: true });
    writeFileSync(next, String(pid), { mode: 0o644, flag: 'wx' });
    try {
      renameSync(next, path);
    } catch (error) {
      rmSync(next);
      throw error;
    }
  } catch (error) {
    throw TsociError.from(`write the pid file ${path}`, error);
  }
}
