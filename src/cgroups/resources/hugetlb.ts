// linux.resources.hugepageLimits (config-linux.md#huge-page-limits) as files of the hugetlb controller.

import type { HugepageLimit } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';
import type { HasFile, Plan, Write } from './resource-types.ts';

/**
 * The limit of reservations, which is what the specification asks for, and the limit of usage, which alone is there on
 * kernels before 5.7 and which tools read. Both at once, as runc does.
 */
export function planHugetlb(limits: readonly HugepageLimit[], has: HasFile): Plan {
  const writes: Write[] = [];
  for (const [i, { pageSize, limit }] of limits.entries()) {
    const field = `linux.resources.hugepageLimits[${i}]`;
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize))
      throw new TsociError(
        `${field}.pageSize ${JSON.stringify(pageSize)} must be a size like 64KB, 2MB or 1GB`,
      );
    if (!has(`hugetlb.${pageSize}.max`))
      throw new TsociError(
        `${field} cannot be set: this host has no huge pages of ${pageSize} (see /sys/kernel/mm/hugepages)`,
      );
    for (const file of [`hugetlb.${pageSize}.max`, `hugetlb.${pageSize}.rsvd.max`])
      if (has(file)) writes.push({ file, value: String(limit), controller: 'hugetlb', field });
  }
  return { writes, warnings: [] };
}
