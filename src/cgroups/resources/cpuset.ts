// linux.resources.cpu.cpus and .mems (config-linux.md#cpu) as files of the cpuset controller (cgroup-v2.rst, "Cpuset").

import type { CPU } from '../../config/generated/types.ts';
import type { Plan, Write } from './resource-types.ts';

export function planCpuset(cpu: CPU): Plan {
  const writes: Write[] = [];
  for (const name of ['cpus', 'mems'] as const) {
    const value = cpu[name];
    if (value)
      writes.push({
        file: `cpuset.${name}`,
        value,
        controller: 'cpuset',
        field: `linux.resources.cpu.${name}`,
        // The kernel takes a list of which the parent has nothing, and then uses the parent's.
        effective: `cpuset.${name}.effective`,
      });
  }
  return { writes, warnings: [] };
}

/** The numbers of a list like "0-3,7" (bitmap lists of the kernel); undefined for the rarer forms ("0-31:2/8"). */
export function parseList(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const range of text.trim().split(',')) {
    if (range.trim() === '') continue;
    const [, first, last] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
    if (first === undefined) return undefined;
    for (let number = Number(first); number <= Number(last ?? first); number++) numbers.add(number);
  }
  return numbers;
}
