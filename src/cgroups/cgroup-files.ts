// The files of a cgroup directory: thin reads and writes, with errors that name file and cgroup.

import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { O_CLOEXEC, O_WRONLY } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { tryRead } from '../linux/files.ts';
import { step } from '../linux/steps.ts';

/** The text of an interface file, without the newline at its end. */
export function readCgroupFile(directory: string, file: string): string {
  try {
    return readFileSync(join(directory, file), 'utf8').trimEnd();
  } catch (error) {
    throw TsociError.from(`read ${file} of cgroup ${directory}`, error);
  }
}

/** The same, or undefined where the file does not exist or cannot be read. */
export function tryReadCgroupFile(directory: string, file: string): string | undefined {
  return tryRead(join(directory, file));
}

/**
 * One write(2) to an interface file that exists (nothing is created). Throws the plain Node error, so that callers
 * can say what they were doing.
 */
export function writeRaw(directory: string, file: string, value: string): void {
  step(`write ${JSON.stringify(value)} to ${file} of cgroup ${directory}`);
  const fd = openSync(join(directory, file), O_WRONLY | O_CLOEXEC);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

export function writeCgroupFile(directory: string, file: string, value: string): void {
  try {
    writeRaw(directory, file, value);
  } catch (error) {
    throw TsociError.from(`write ${JSON.stringify(value)} to ${file} of cgroup ${directory}`, error);
  }
}

/** The names of a cgroup's child cgroups; none where the cgroup is gone. */
export function childCgroups(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

/** The space-separated words of a file such as cgroup.controllers. */
export function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/**
 * A flat keyed file ("KEY VALUE" lines: cgroup-v2.rst, "Format"), such as memory.stat or cgroup.events. Values are
 * counters that may pass 2^53.
 */
export function parseFlatKeyed(text: string): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space < 0) continue;
    const value = line.slice(space + 1);
    if (/^\d+$/.test(value)) values.set(line.slice(0, space), BigInt(value));
  }
  return values;
}
