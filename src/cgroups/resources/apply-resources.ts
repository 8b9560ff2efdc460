// Writing a plan to a cgroup.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Resources } from '../../config/generated/types.ts';
import { attemptOrSkip } from '../../linux/attempt.ts';
import { EBUSY, ENODEV, ENOENT, EOPNOTSUPP } from '../../linux/errno.ts';
import { errnoOf, TsociError } from '../../linux/errors.ts';
import { readCgroupFile, tryReadCgroupFile, writeRaw } from '../cgroup-files.ts';
import { parseList } from './cpuset.ts';
import { liftsLimit, planResources } from './resource-plan.ts';
import type { HasFile, Write } from './resource-types.ts';

/** Whether a cgroup has a file. */
export function filesOf(directory: string): HasFile {
  return (file) => existsSync(join(directory, file));
}

/** Sets the limits of a new cgroup (devices apart). Returns warnings for a person. */
export function applyResources(directory: string, resources: Resources): string[] {
  const { writes, warnings } = planResources(resources, filesOf(directory));
  for (const write of writes) attemptOrSkip(write.field, () => applyWrite(directory, write));
  return warnings;
}

/** Makes all the writes or, as far as the kernel lets us, none: after a failure the former values are put back. */
export function applyOrRestore(directory: string, writes: readonly Write[]): void {
  const former: { file: string; value: string }[] = [];
  try {
    for (const write of writes) {
      const value = tryReadCgroupFile(directory, write.file);
      if (value !== undefined) former.unshift({ file: write.file, value });
      applyWrite(directory, write);
    }
  } catch (error) {
    for (const { file, value } of former) {
      try {
        writeLines(directory, file, value);
      } catch {
        // The first error is the one to tell; a value that cannot be put back stays.
      }
    }
    throw error;
  }
}

export function applyWrite(directory: string, write: Write): void {
  if (liftsLimit(write) && !filesOf(directory)(write.file)) return;
  checkNotBelow(directory, write);
  try {
    writeLines(directory, write.file, write.value);
  } catch (error) {
    if (write.otherwise && errnoOf(error) === EOPNOTSUPP) {
      applyWrite(directory, { ...write, ...write.otherwise, otherwise: undefined });
      return;
    }
    throw TsociError.from(describe(directory, write), error, hint(write, errnoOf(error)));
  }
  checkEffective(directory, write);
}

/** Files that take one line a write, such as io.max, refuse several at once. */
function writeLines(directory: string, file: string, value: string): void {
  const lines = value.split('\n').filter((line) => line.trim() !== '');
  // An empty value is written as an empty line: a write of no bytes never reaches the file.
  for (const line of lines.length > 0 ? lines : ['\n']) writeRaw(directory, file, line);
}

function describe(directory: string, { field, file, value }: Write): string {
  return `set ${field}: write ${JSON.stringify(value)} to ${file} of cgroup ${directory}`;
}

function hint({ file, controller }: Write, errno: number | undefined): string | undefined {
  if (errno === ENOENT)
    return controller === '' || file.startsWith('cgroup.')
      ? `this kernel's cgroup v2 has no file ${file}`
      : `this kernel's controller ${controller} has no file ${file}`;
  if (errno === ENODEV && controller === 'io') return 'there is no such block device';
  if (errno === EOPNOTSUPP && file.endsWith('.weight'))
    return 'the device has neither BFQ for its scheduler nor iocost enabled (io.cost.qos of the root cgroup)';
  if (errno === EBUSY && file === 'memory.max') return 'the kernel could not reclaim enough memory';
  return undefined;
}

/** memory.checkBeforeUpdate (config-linux.md#memory): refuse instead of an out-of-memory kill. */
function checkNotBelow(directory: string, write: Write): void {
  if (write.notBelow === undefined) return;
  const least = BigInt(readCgroupFile(directory, write.notBelow));
  if (BigInt(write.value) < least)
    throw new TsociError(
      `${describe(directory, write)}: refused, as checkBeforeUpdate asks: ${write.notBelow} is ${least} already`,
    );
}

function checkEffective(directory: string, write: Write): void {
  if (write.effective === undefined) return;
  const asked = parseList(write.value);
  const effective = tryReadCgroupFile(directory, write.effective) ?? '';
  const got = parseList(effective);
  if (!asked || !got || [...got].every((number) => asked.has(number))) return;
  throw new TsociError(
    `${describe(directory, write)}: has no effect, since the cgroups above allow none of these: ${write.effective} is ${effective}`,
  );
}
