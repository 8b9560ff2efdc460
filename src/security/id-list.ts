// Lists of CPUs and of memory nodes, such as 0-3,7 (cpuset(7), "List format").

import { TsociError } from '../linux/errors.ts';

/** No kernel is built for more CPUs (CONFIG_NR_CPUS) or nodes. */
export const MOST_IDS = 8192;

/** The bits of a list, in 64-bit words as the kernel takes them. `doing` begins the error. */
export function parseIdList(list: string, doing: string): Uint8Array {
  const bad = (why: string): TsociError => new TsociError(`${doing}: ${JSON.stringify(list)}: ${why}`);
  const ids = list.split(',').flatMap((part) => {
    const range = part.trim().match(/^(\d+)(?:-(\d+))?$/);
    if (!range) throw bad('not a list such as 0-3,7');
    const first = Number(range[1]);
    const last = Number(range[2] ?? first);
    if (last < first) throw bad(`${part.trim()} runs backwards`);
    if (last >= MOST_IDS) throw bad(`${last} is too large`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  const words = new BigUint64Array((Math.max(...ids) >> 6) + 1);
  for (const id of ids) words[id >> 6] = (words[id >> 6] ?? 0n) | (1n << BigInt(id & 63));
  return new Uint8Array(words.buffer);
}
