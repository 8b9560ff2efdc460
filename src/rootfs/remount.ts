// Changes of a mount that is there: remount, or propagation alone.

import {
  AT_RECURSIVE,
  FSCONFIG_CMD_RECONFIGURE,
  FSPICK_CLOEXEC,
  FSPICK_EMPTY_PATH,
  O_PATH,
} from '../linux/constants.ts';
import { EINVAL } from '../linux/errno.ts';
import { OperationError } from '../stub/results.ts';
import { changeAttributes, openInRootArguments, type RootContext, setPropagation } from './context.ts';
import { setOption, settings } from './filesystem.ts';
import { isHosts } from './host-filesystem.ts';
import type { MountPlan } from './mount-plan.ts';

/**
 * Of the mount at the destination and, with `remount`, of its superblock unless it is a bind mount. That of a filesystem of
 * the host is not the container's to change: there `ro` is of the mount alone.
 */
export function remount(context: RootContext, plan: MountPlan): void {
  const { init, root } = context;
  const { destination, options, from } = plan;
  const doing = `remount ${destination}`;
  const type = 'type' in from ? from.type : '';
  const asked = options.bind === 'no' ? settings(type, options) : [];
  const changes = asked.length > 0 && isHosts(context, plan) ? [] : asked;
  const program = init.program();
  const target = program.open('openat2', openInRootArguments(root, destination, O_PATH), doing);
  changeAttributes(program, target, options.attributes, 0, doing);
  changeAttributes(program, target, options.recursiveAttributes, AT_RECURSIVE, doing);
  setPropagation(program, target, destination, options);
  if (changes.length > 0) {
    const filesystem = program.open('fspick', [target, '', FSPICK_CLOEXEC | FSPICK_EMPTY_PATH], doing);
    for (const option of changes) setOption(program, filesystem, option, doing);
    program.call('fsconfig', [filesystem, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0], doing);
    program.close(filesystem);
  }
  program.close(target);
  try {
    init.run(program);
  } catch (error) {
    const notMounted = error instanceof OperationError && error.operation.call === 'mount_setattr';
    if (!notMounted || error.errno !== EINVAL) throw error;
    throw error.hinted('is anything mounted there?');
  }
}
