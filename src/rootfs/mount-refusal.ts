// What a user namespace may not mount, and why (user_namespaces(7), "Interaction of user namespaces and other types
// of namespaces").

import { EACCES, EDQUOT, ENOENT, ENOSPC, EPERM, EROFS } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import type { SyscallName } from '../linux/syscalls.ts';
import { OperationError } from '../stub/results.ts';

/** Filesystems that show a namespace, which must belong to the user namespace that mounts them. */
const shown: Readonly<Record<string, string>> = {
  proc: 'pid',
  sysfs: 'network',
  mqueue: 'ipc',
  cgroup2: 'cgroup',
};

/** Other filesystems that root of a user namespace may mount (FS_USERNS_MOUNT in the kernel). */
const mountable: ReadonlySet<string> = new Set(['tmpfs', 'ramfs', 'devpts', 'overlay', 'fuse', 'bpf']);

/** The error with what would help, if it is such a refusal. */
export function explainRefusal(type: string, error: unknown): unknown {
  if (!(error instanceof TsociError) || error.errno !== EPERM || mountable.has(type)) return error;
  const namespace = shown[type];
  const hint = namespace
    ? `it takes a new ${namespace} namespace too, or a bind mount of the host's`
    : `nobody may mount ${type}: bind one that the host has mounted`;
  return error.hinted(`in a user namespace ${hint}`);
}

const makes: ReadonlySet<string> = new Set<SyscallName>(['mkdirat', 'mknodat', 'symlinkat', 'unlinkat']);

/** What EACCES means to a person: the container's user is another than the one who owns the directories. */
export function explainAccess(error: unknown): unknown {
  if (!(error instanceof OperationError) || error.answer !== EACCES) return error;
  const hint = makes.has(error.operation.call)
    ? "the container's user may not write there: make it before, or chown the root filesystem"
    : "the container's user must be allowed to search every directory on the way";
  return error.hinted(hint);
}

const NOTHING_CAN_BE_MADE = 'nothing can be made in such a filesystem (procfs, sysfs)';

/** Why the target of a mount cannot be made, where the kernel's answer is of the place and not of the mount. */
const unmade: Readonly<Record<number, string>> = {
  [EROFS]: 'what it lies in is read-only: it must be there before',
  [ENOSPC]: 'the filesystem that it lies in is full',
  [EDQUOT]: 'the quota of the filesystem that it lies in is used up',
  [ENOENT]: NOTHING_CAN_BE_MADE,
  [EPERM]: NOTHING_CAN_BE_MADE,
};

/** The error with the mount that wants the place, if that could not be made. */
export function explainUnmade(doing: string, error: unknown): unknown {
  if (!(error instanceof OperationError) || !makes.has(error.operation.call)) return error;
  const why = unmade[error.answer];
  return why === undefined ? error : error.hinted(`to ${doing} takes this place, and ${why}`);
}

/** What the operation is doing that sets the flags of a mount. */
export function settingFlags(doing: string): string {
  return `set flags: ${doing}`;
}

/** The error with what would help, if it is of that operation, for a mount that is `doing`. */
export function explainLocked(doing: string, error: unknown): unknown {
  if (!(error instanceof OperationError) || error.operation.doing !== settingFlags(doing)) return error;
  if (error.answer !== EPERM) return error;
  return error.hinted(
    'a user namespace keeps the flags and the mode of access times that the host has given a mount',
  );
}
