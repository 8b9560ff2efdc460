// What a user namespace may not mount, and why (user_namespaces(7), "Interaction of user namespaces and other types
// of namespaces").

import { EACCES, EPERM } from '../linux/errno.ts';
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
