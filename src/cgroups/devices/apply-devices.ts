// Making a cgroup obey the device rules of its container.

import { closeSync } from 'node:fs';
import type { DeviceCgroup } from '../../config/generated/types.ts';
import { step } from '../../linux/steps.ts';
import { attachDeviceProgram, detachDeviceProgram, findDeviceProgram, loadDeviceProgram } from './bpf.ts';
import { deviceProgram } from './device-program.ts';
import { allowsEverything, decide, parseRules } from './device-rules.ts';

/**
 * Applies `linux.resources.devices` to the cgroup behind a descriptor. A program of an earlier call is replaced
 * atomically: there is no moment with neither. Rules that allow everything need no program.
 */
export function applyDevices(cgroup: number, rules: readonly DeviceCgroup[]): void {
  const decision = decide(parseRules(rules));
  const former = findDeviceProgram(cgroup);
  try {
    if (!allowsEverything(decision)) attach(cgroup, deviceProgram(decision), former);
    else if (former !== undefined) detachDeviceProgram(cgroup, former);
  } finally {
    if (former !== undefined) closeSync(former);
  }
}

function attach(cgroup: number, instructions: Uint8Array, former: number | undefined): void {
  step('attach the device program to the cgroup');
  const program = loadDeviceProgram(instructions);
  try {
    attachDeviceProgram(cgroup, program, former);
  } finally {
    closeSync(program);
  }
}
