// A checkpoint on disk: the directory of criu's images, the one of its log, and what runc has there beside them.
//
//   IMAGES/*.img             criu's
//   IMAGES/descriptors.json  what the standard streams were: ["pipe:[4711]", …]
//   WORK/dump.log, WORK/restore.log

import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CriuError } from '../../criu/criu.ts';
import { errorsIn } from '../../criu/criu-log.ts';
import type { Response } from '../../criu/messages.ts';
import { O_DIRECTORY, O_RDONLY } from '../../linux/constants.ts';
import { ENOENT } from '../../linux/errno.ts';
import { errnoOf, messageOf, TsociError } from '../../linux/errors.ts';
import { discardEmptyDirectory, makeDirectories, removeTree } from '../../linux/files.ts';
import { step } from '../../linux/steps.ts';
import { readTextFile } from '../../linux/text-file.ts';

const DESCRIPTORS = 'descriptors.json';

/** Descriptors of ours. */
export interface Directories extends Disposable {
  readonly images: number;
  readonly work: number | undefined;
}

export interface Images extends Directories {
  readonly imagePath: string;
  readonly workPath: string | undefined;
  readonly logName: string;
  /** Its path. */
  readonly log: string;
}

/** Opens both directories. That of the log is made if it is missing; that of the images too, with `make`. */
export function openImages(
  { imagePath, workPath }: { imagePath: string; workPath: string | undefined },
  logName: string,
  { make }: { make: boolean },
): Images {
  using opened = new DisposableStack();
  const open = (path: string, made: boolean) => opened.adopt(openDirectory(path, made), closeSync);
  const images = open(imagePath, make);
  const work = workPath === undefined ? undefined : open(workPath, true);
  const log = join(workPath ?? imagePath, logName);
  const ours = opened.move();
  return { imagePath, workPath, images, work, logName, log, [Symbol.dispose]: () => ours.dispose() };
}

function openDirectory(path: string, make: boolean): number {
  step(`open ${path}`);
  try {
    if (make) makeDirectories(path, 0o700);
    return openSync(path, O_RDONLY | O_DIRECTORY);
  } catch (error) {
    const missing = errnoOf(error) === ENOENT && !make;
    throw TsociError.from(
      `open ${path}`,
      error,
      missing ? 'is it the directory of a checkpoint?' : undefined,
    );
  }
}

/** Removes what has come into a directory since `before`, but its logs; and the directory, if there was none. */
export function discardImages(path: string, before: readonly string[] | undefined): void {
  for (const name of namesIn(path) ?? [])
    if (!before?.includes(name) && !name.endsWith('.log')) removeTree(join(path, name));
  if (before === undefined) discardEmptyDirectory(path);
}

/** Undefined where there is no such directory. */
export function namesIn(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

export function writeDescriptors(imagePath: string, stdio: readonly string[]): void {
  const path = join(imagePath, DESCRIPTORS);
  step(`write ${path}`);
  try {
    writeFileSync(path, JSON.stringify(stdio), { mode: 0o600 });
  } catch (error) {
    throw TsociError.from(`write ${path}`, error);
  }
}

/** None for a checkpoint that has no such file. */
export function readDescriptors(imagePath: string): string[] {
  const path = join(imagePath, DESCRIPTORS);
  let value: unknown;
  try {
    value = JSON.parse(readTextFile(path));
  } catch (error) {
    if (errnoOf(error) === ENOENT) return [];
    if (errnoOf(error) !== undefined) throw error;
  }
  // runc writes null where there are none.
  if (value === null) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return value;
  throw new TsociError(`${path} is damaged: it is no list of names of standard streams`);
}

/** Throws unless criu has done what it was asked for. What its log says is told. */
export function checkSuccess(doing: string, { log }: Images, ask: () => Response): Response {
  let answer: string;
  try {
    const response = ask();
    if (response.success) return response;
    // The first error of the log, which may be none that mattered, is told only where there is no log.
    answer = errorsIn(log) ? '' : (response.cr_errmsg ?? '');
  } catch (error) {
    // Not criu has failed, but what it has told of, such as a hook.
    if (!(error instanceof CriuError)) throw error;
    answer = messageOf(error);
  }
  const why = [answer, errorsIn(log)].filter(Boolean).join('; ') || 'criu has failed';
  throw new TsociError(`${doing}: ${why}; ${log} tells more`);
}
