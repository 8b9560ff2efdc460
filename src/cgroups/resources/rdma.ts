// linux.resources.rdma (config-linux.md#rdma) as rdma.max (cgroup-v2.rst, "RDMA").

import type { Rdma } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';
import type { Plan, Write } from './resource-types.ts';

export function planRdma(devices: Readonly<Record<string, Rdma>>): Plan {
  const writes = Object.entries(devices).map(([device, { hcaHandles, hcaObjects }]): Write => {
    const field = `linux.resources.rdma[${JSON.stringify(device)}]`;
    const limits = [];
    if (hcaHandles !== undefined) limits.push(`hca_handle=${hcaHandles}`);
    if (hcaObjects !== undefined) limits.push(`hca_object=${hcaObjects}`);
    if (limits.length === 0) throw new TsociError(`${field} must have hcaHandles, hcaObjects or both`);
    return { file: 'rdma.max', value: [device, ...limits].join(' '), controller: 'rdma', field };
  });
  return { writes, warnings: [] };
}
