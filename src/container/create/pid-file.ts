// The file that tells an engine the pid (--pid-file).

import { renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TsociError } from '../../linux/errors.ts';
import { discardFile, removeFile } from '../../linux/files.ts';
import { step } from '../../linux/steps.ts';

/**
 * Engines watch for the file, so it must never be there half written: it is written under another name and renamed. The file
 * of that other name must be new (O_EXCL): in a directory that others may write to, somebody could have put a link there.
 */
export function writePidFile(path: string, pid: number): void {
  step(`write the pid file ${path}`);
  const next = join(dirname(path), `.${basename(path)}.next`);
  try {
    removeFile(next);
    writeFileSync(next, String(pid), { mode: 0o644, flag: 'wx' });
    try {
      renameSync(next, path);
    } catch (error) {
      discardFile(next);
      throw error;
    }
  } catch (error) {
    throw TsociError.from(`write the pid file ${path}`, error);
  }
}
