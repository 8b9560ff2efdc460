// What a user namespace may not mount, and why (user_namespaces(7), "Interaction of user namespaces and other types
// of namespaces").

import { EPERM } from '../linux/errno.ts';
import { errnoOf, messageOf, TsociError } from '../linux/errors.ts';

/** Filesystems that show a namespace, which must belong to the user namespace that mounts them. */
const shown: Readonly<Record<string, string>> = {
  proc: 'pid',
  sysfs: 'network',
  mqueue: 'ipc',
  cgroup2: 'cgroup',
};

/** The error with what would help, if it is such a refusal. */
export function explainRefusal(type: string, error: unknown): unknown {
  const namespace = shown[type];
  if (!namespace || errnoOf(error) !== EPERM) return error;
  const hint = `in a user namespace it takes a new ${namespace} namespace too, or a bind mount of the host's`;
  return new TsociError(`${messageOf(error)}; ${hint}`, { errno: EPERM });
}
