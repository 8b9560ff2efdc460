// linux.resources.memory (config-linux.md#memory) as files of the memory controller (cgroup-v2.rst, "Memory").

import type { Memory } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';
import { maxOr, notInV2, setValue } from './integers.ts';
import type { HasFile, Plan, Write } from './resource-types.ts';

const FIELD = 'linux.resources.memory';

export function planMemory(memory: Memory, has: HasFile): Plan {
  refuseV1Only(memory);
  const writes: Write[] = [];
  const add = (file: string, value: string, name: string, extra: Partial<Write> = {}) =>
    writes.push({ file, value, controller: 'memory', field: `${FIELD}.${name}`, ...extra });

  // Swap goes first: when the memory limit falls, pages can move to swap that is allowed already.
  const swap = swapOnly(memory);
  if (swap !== undefined && swapIsCounted(swap, has)) add('memory.swap.max', swap, 'swap');
  const limit = setValue(memory.limit);
  if (limit !== undefined)
    add(
      'memory.max',
      maxOr(limit, `${FIELD}.limit`),
      'limit',
      memory.checkBeforeUpdate && limit !== -1n ? { notBelow: 'memory.current' } : {},
    );
  if (memory.reservation !== undefined)
    add('memory.low', maxOr(memory.reservation, `${FIELD}.reservation`), 'reservation');

  const warnings =
    memory.useHierarchy === false
      ? [`${FIELD}.useHierarchy false has no effect: cgroup v2 always accounts hierarchically`]
      : [];
  return { writes, warnings };
}

/** The config's swap limits memory and swap together, as cgroup v1 does; memory.swap.max of v2 limits swap alone. */
function swapOnly({ swap: configured, limit: configuredLimit }: Memory): string | undefined {
  const field = `${FIELD}.swap`;
  const swap = setValue(configured);
  if (swap === undefined) return undefined;
  if (swap < 0n) return maxOr(swap, field);
  const limit = setValue(configuredLimit);
  if (limit === undefined || limit < 0n)
    throw new TsociError(`${field} is the limit of memory and swap together: it takes a ${FIELD}.limit too`);
  if (swap < limit)
    throw new TsociError(
      `${field} ${swap} is the limit of memory and swap together: it must not be below ${FIELD}.limit ${limit}`,
    );
  return String(swap - limit);
}

/** Without swap accounting there is no memory.swap.max. Then "max" and "0" need no write: there is nothing to limit. */
function swapIsCounted(value: string, has: HasFile): boolean {
  if (has('memory.swap.max')) return true;
  if (value === 'max' || value === '0') return false;
  throw new TsociError(
    `${FIELD}.swap cannot be set: the kernel does not account swap (no memory.swap.max); boot with swapaccount=1`,
  );
}

function refuseV1Only(memory: Memory): void {
  for (const name of ['kernel', 'kernelTCP'] as const) {
    const value = setValue(memory[name]);
    if (value !== undefined && value !== -1n)
      throw notInV2(`${FIELD}.${name}`, `its memory.max counts kernel memory too: use ${FIELD}.limit`);
  }
  if (memory.swappiness !== undefined)
    throw notInV2(
      `${FIELD}.swappiness`,
      `limit swap with ${FIELD}.swap, or set the sysctl vm.swappiness of the host`,
    );
  if (memory.disableOOMKiller)
    throw notInV2(
      `${FIELD}.disableOOMKiller`,
      'to throttle before the limit, set linux.resources.unified["memory.high"]',
    );
}
