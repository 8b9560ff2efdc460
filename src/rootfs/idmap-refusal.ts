// What cannot be an id-mapped mount, and why: mount_setattr(2), MOUNT_ATTR_IDMAP.

import { readFileSync, realpathSync } from 'node:fs';
import { EINVAL, EPERM } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import { mountPointOf, parseMountinfo } from '../linux/mountinfo.ts';
import { OperationError } from '../stub/results.ts';
import type { MountPlan } from './mount-plan.ts';

/** What the operation is doing that maps the ids of a mount. */
export function mappingIds(doing: string): string {
  return `map ids: ${doing}`;
}

/** The error with the filesystem and what would help, if it is of that operation, for a mount that is `doing`. */
export function explainIdmap({ from, options }: MountPlan, doing: string, error: unknown): unknown {
  if (!(error instanceof OperationError) || error.operation.doing !== mappingIds(doing)) return error;
  const { message, errno } = error;
  const recursive = options.idmap === 'recursive';
  const types = 'source' in from ? typesAt(from.source, recursive) : 'type' in from ? [from.type] : [];
  return new TsociError(`${message}; ${reason(types, 'type' in from, errno)}`, { errno });
}

function reason(types: readonly string[], isNew: boolean, errno: number | undefined): string {
  const names = types.join(', ') || 'its filesystem';
  if (errno === EINVAL) return `${types.length > 1 ? 'one of ' : ''}${names} does not allow it`;
  if (errno === EPERM && isNew)
    return `a ${names} that the container's user namespace mounts has the ids of that namespace`;
  return `that takes the rights of root where the filesystem (${names}) was mounted`;
}

/** The types of the filesystem at a path, and with `recursive` of those below it. */
function typesAt(source: string, recursive: boolean): string[] {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const path = realpathSync(source);
  const holder = mountPointOf(mountinfo, path);
  const mounts = parseMountinfo(mountinfo);
  const own = mounts.findLast(({ mountPoint }) => mountPoint === holder);
  const below = mounts.filter(({ mountPoint }) => recursive && mountPoint.startsWith(`${path}/`));
  return [...new Set([...(own ? [own] : []), ...below].map(({ type }) => type))];
}
