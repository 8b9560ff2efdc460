// What the kernel refuses of new namespaces, and why (namespaces(7), user_namespaces(7)).

import { CLONE_NEWUSER } from '../linux/constants.ts';
import { EINVAL, ENOSPC, EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';

/** The error of clone3(2) or unshare(2) with what would help. */
export function explainNamespaces(doing: string, flags: number, error: unknown): TsociError {
  return TsociError.from(doing, error, namespaceHint(flags, errnoOf(error)));
}

/** What would help where namespaces of these flags are refused. */
export function namespaceHint(flags: number, errno: number | undefined): string | undefined {
  switch (errno) {
    case EPERM:
      return flags & CLONE_NEWUSER
        ? 'may ordinary users make user namespaces (sysctl kernel.unprivileged_userns_clone), and is this no chroot?'
        : 'without the rights of root it takes a user namespace too';
    case ENOSPC:
      return 'their number is limited by /proc/sys/user/max_*_namespaces, and their depth by 32';
    case EINVAL:
      return 'has the kernel namespaces of all these types?';
    default:
      return undefined;
  }
}
