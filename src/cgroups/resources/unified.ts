// linux.resources.unified (config-linux.md#unified): any file of cgroup v2, known to us or not.

import { TsociError } from '../../linux/errors.ts';
import type { Plan, Write } from './resource-types.ts';

/** Files of the cgroup core belong to no controller: cgroup.max.descendants. */
const CORE = 'cgroup';

export function planUnified(unified: Readonly<Record<string, string>>): Plan {
  const writes = Object.entries(unified).map(([file, value]): Write => {
    const field = `linux.resources.unified[${JSON.stringify(file)}]`;
    const [, controller] = /^([a-z0-9_]+)\.[^/\0]+$/.exec(file) ?? [];
    if (controller === undefined)
      throw new TsociError(
        `${field} is not the name of a cgroup file, which is CONTROLLER.NAME without slashes`,
      );
    return { file, value, controller: controller === CORE ? '' : controller, field };
  });
  return { writes, warnings: [] };
}
