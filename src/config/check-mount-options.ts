// Mount options that are for the filesystem, as the kernel here and now takes them: each is tried on a new context of the
// filesystem (fsopen(2)), which is thrown away again.

import { closeSync } from 'node:fs';
import { FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSOPEN_CLOEXEC } from '../linux/constants.ts';
import { EINVAL } from '../linux/errno.ts';
import { cString, syscall } from '../linux/ffi.ts';
import { SYS } from '../linux/syscalls.ts';
import { error, type Finding } from './finding.ts';
import type { Config } from './generated/types.ts';
import { isOfFilesystem, keyAndValue, knownMountOptions, optionsOf } from './mount-options.ts';
import { nearest } from './nearest.ts';
import { quote } from './rules/values.ts';

/** Filesystems whose options are numbers and words: trying one opens no file and needs no device. */
const plain: ReadonlySet<string> = new Set(['tmpfs', 'proc', 'sysfs', 'devpts', 'mqueue', 'cgroup2']);

/** Bytes. */
const LOG_SIZE = 512;

/** Only who may mount is answered (CAP_SYS_ADMIN): for others there is nothing to find. */
export function mountOptions({ mounts = [] }: Config): Finding[] {
  return mounts.flatMap((mount, i) => {
    const { type: given = '', options = [] } = mount;
    const type = given === 'cgroup' ? 'cgroup2' : given;
    const { bind, remount } = optionsOf(mount);
    if (bind !== 'no' || remount || !plain.has(type)) return [];
    return options.flatMap((option, j) => {
      const refusal = isOfFilesystem(option) ? refusalOf(type, option) : undefined;
      if (refusal === undefined) return [];
      const meant = nearest(option, knownMountOptions);
      const expected = `an option of ${type}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
      const problem = `is ${quote(option)}: ${refusal}`;
      return [error(`/mounts/${i}/options/${j}`, problem, expected, 'config.md#linux-mount-options')];
    });
  });
}

/** What the kernel says against an option of a filesystem. */
function refusalOf(type: string, option: string): string | undefined {
  const filesystem = syscall(SYS.fsopen, cString(type), FSOPEN_CLOEXEC);
  if (filesystem < 0) return undefined;
  try {
    const [key, value] = keyAndValue(option);
    const command = value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    const text = value === undefined ? null : cString(value);
    if (syscall(SYS.fsconfig, filesystem, command, cString(key), text, 0) !== -EINVAL) return undefined;
    const log = Buffer.alloc(LOG_SIZE);
    const length = syscall(SYS.read, filesystem, log, log.length);
    // "e tmpfs: Unknown parameter 'foo'": a level, then the message.
    return length > 0 ? log.toString('utf8', 2, length).trim() : 'EINVAL';
  } finally {
    closeSync(filesystem);
  }
}
