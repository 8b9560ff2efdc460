// What linux.resources comes to: the writes to the container's cgroup, in their order. Pure.

import type { Resources } from '../../config/generated/types.ts';
import type { Need } from '../controllers.ts';
import { planBlkio } from './blkio.ts';
import { planCpu } from './cpu.ts';
import { planCpuset } from './cpuset.ts';
import { planHugetlb } from './hugetlb.ts';
import { planMemory } from './memory.ts';
import { planNetwork } from './net-classes.ts';
import { planPids } from './pids.ts';
import { planRdma } from './rdma.ts';
import type { HasFile, Plan, Write } from './resource-types.ts';
import { planUnified } from './unified.ts';

/**
 * The writes for all resources but devices (see devices/). Throws TsociError for what cgroup v2 cannot express.
 * `unified` comes last and so overrides what a converted value set before.
 */
export function planResources(resources: Resources, has: HasFile): Plan {
  const { memory, cpu, blockIO, hugepageLimits, rdma, pids, network, unified } = resources;
  const plans: Plan[] = [];
  if (network) plans.push(planNetwork(network));
  if (memory) plans.push(planMemory(memory, has));
  if (cpu) plans.push(planCpu(cpu), planCpuset(cpu));
  if (blockIO) plans.push(planBlkio(blockIO, has));
  if (hugepageLimits) plans.push(planHugetlb(hugepageLimits, has));
  if (rdma) plans.push(planRdma(rdma));
  if (pids) plans.push(planPids(pids));
  if (unified) plans.push(planUnified(unified));
  return {
    writes: plans.flatMap((plan) => plan.writes),
    warnings: plans.flatMap((plan) => plan.warnings),
  };
}

/** The controllers that the resources cannot do without, each with the first limit that needs it. */
export function controllerNeeds(resources: Resources): Need[] {
  return needsOfWrites(planResources(resources, () => true).writes);
}

/**
 * Whether a write only takes a limit away, as engines ask for in every container (pids.limit -1). Where the controller is
 * missing there is none to take away. Not so for `unified`, which must fail then.
 */
export function liftsLimit({ value, field }: Write): boolean {
  return value === 'max' && !field.startsWith('linux.resources.unified');
}

export function needsOfWrites(writes: readonly Write[]): Need[] {
  const needs = new Map<string, Need>();
  for (const write of writes) {
    const { controller, file, field } = write;
    if (controller === '' || needs.has(controller) || liftsLimit(write)) continue;
    needs.set(controller, { controller, file, field });
  }
  return [...needs.values()];
}
