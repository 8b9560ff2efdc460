// config-linux.md#control-groups

import { error, type Finding } from '../finding.ts';
import type { Config, CPU, Memory, Resources } from '../generated/types.ts';
import { escapePointer } from '../json-scan.ts';
import { isIdList, quote } from './values.ts';

/** What is wrong with resources, of a configuration (`base` is /linux/resources) or of an update (`base` is empty). */
export function checkResources(resources: Resources, base = ''): Finding[] {
  return [
    ...memory(`${base}/memory`, resources.memory ?? {}),
    ...cpu(`${base}/cpu`, resources.cpu ?? {}),
    ...pids(base, resources),
    ...devices(base, resources),
    ...blockIO(base, resources),
    ...rdma(base, resources),
    ...unified(base, resources),
  ];
}

const unlimited = ['includes the memory, which has no limit', 'limit too'] as const;

/** Of a configuration only: an update may leave the memory's limit as it is. */
export function swapWithoutLimit({ linux }: Config): Finding[] {
  const { limit, swap = 0 } = linux?.resources?.memory ?? {};
  if (limit || swap <= 0) return [];
  return [error('/linux/resources/memory/swap', ...unlimited, 'config-linux.md#memory')];
}

function memory(pointer: string, limits: Memory): Finding[] {
  const section = 'config-linux.md#memory';
  const findings = (['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'] as const)
    .filter((name) => (limits[name] ?? 0) < -1)
    .map((name) => error(`${pointer}/${name}`, `is ${limits[name]}`, 'bytes, or -1 for no limit', section));
  const { limit = 0, swap = 0 } = limits;
  if (swap > 0 && limit === -1) findings.push(error(`${pointer}/swap`, ...unlimited, section));
  else if (swap > 0 && swap < limit)
    findings.push(
      error(`${pointer}/swap`, `is ${swap}, memory included`, `at least limit, ${limit}`, section),
    );
  return findings;
}

function cpu(pointer: string, { quota = 0, burst = 0, cpus, mems }: CPU): Finding[] {
  const section = 'config-linux.md#cpu';
  const findings = Object.entries({ cpus, mems })
    .filter(([, list]) => list && !isIdList(list))
    .map(([name, list]) => error(`${pointer}/${name}`, `is ${quote(list)}`, 'a list such as 0-3,7', section));
  if (quota > 0 && burst > quota)
    findings.push(error(`${pointer}/burst`, `is ${burst}`, `at most quota, ${quota}`, section));
  return findings;
}

function pids(base: string, { pids }: Resources): Finding[] {
  const limit = pids?.limit ?? 0;
  if (limit >= -1) return [];
  return [error(`${base}/pids/limit`, `is ${limit}`, 'a number, or -1 for no limit', 'config-linux.md#pids')];
}

function devices(base: string, { devices = [] }: Resources): Finding[] {
  return devices.flatMap((rule, i) =>
    (['major', 'minor'] as const)
      .filter((name) => (rule[name] ?? 0) < -1)
      .map((name) => {
        const pointer = `${base}/devices/${i}/${name}`;
        return error(
          pointer,
          `is ${rule[name]}`,
          'a number, or none for all',
          'config-linux.md#allowed-device-list',
        );
      }),
  );
}

function blockIO(base: string, { blockIO }: Resources): Finding[] {
  return (blockIO?.weightDevice ?? []).flatMap(({ weight, leafWeight }, i) => {
    if (weight !== undefined || leafWeight !== undefined) return [];
    const pointer = `${base}/blockIO/weightDevice/${i}`;
    return [error(pointer, 'has no weight', 'weight, leafWeight or both', 'config-linux.md#block-io')];
  });
}

function rdma(base: string, { rdma = {} }: Resources): Finding[] {
  return Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    if (hcaHandles !== undefined || hcaObjects !== undefined) return [];
    const pointer = `${base}/rdma/${escapePointer(device)}`;
    return [error(pointer, 'has no limit', 'hcaHandles, hcaObjects or both', 'config-linux.md#rdma')];
  });
}

/** Names of cgroup v2 files: CONTROLLER.PARAMETER (cgroups(7)). */
function unified(base: string, { unified = {} }: Resources): Finding[] {
  return Object.keys(unified).flatMap((name) => {
    if (/^[^/.]+\.[^/]+$/.test(name)) return [];
    const pointer = `${base}/unified/${escapePointer(name)}`;
    return [
      error(pointer, 'is not the name of a cgroup file', 'one as memory.high', 'config-linux.md#unified'),
    ];
  });
}
