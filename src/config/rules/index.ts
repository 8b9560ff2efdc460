// What no schema can say: rules about values and how they go together.

import type { Finding } from '../finding.ts';
import type { Config, Process } from '../generated/types.ts';
import { annotations } from './annotations.ts';
import { capabilities } from './capabilities.ts';
import { devices } from './devices.ts';
import { hooks } from './hooks.ts';
import { intelRdt } from './intel-rdt.ts';
import { memoryPolicy, personality } from './memory-policy.ts';
import { mounts } from './mounts.ts';
import { nameLengths, namespaces, needsNamespace } from './namespaces.ts';
import { netDevices } from './net-devices.ts';
import { absolutePaths, cgroupsPath, root } from './paths.ts';
import { consoleSize, program, user } from './process.ts';
import { checkResources, swapWithoutLimit } from './resources.ts';
import { rlimits } from './rlimits.ts';
import { execCPUAffinity, scheduler } from './scheduling.ts';
import { seccomp } from './seccomp.ts';
import { sysctl } from './sysctl.ts';
import { timeOffsets } from './time.ts';
import { userNamespace } from './user-namespace.ts';
import { version } from './version.ts';

const rules: readonly ((config: Config) => Finding[])[] = [
  version,
  annotations,
  root,
  mounts,
  hooks,
  nameLengths,
  devices,
  absolutePaths,
  cgroupsPath,
  intelRdt,
  memoryPolicy,
  personality,
  seccomp,
  swapWithoutLimit,
];

/** Those that go by linux.namespaces and by the mappings of users. */
const isolationRules: readonly ((config: Config) => Finding[])[] = [
  namespaces,
  needsNamespace,
  userNamespace,
  timeOffsets,
  sysctl,
  netDevices,
];

const processRules: readonly ((process: Process) => Finding[])[] = [
  program,
  consoleSize,
  user,
  capabilities,
  rlimits,
  scheduler,
  execCPUAffinity,
];

/**
 * What is wrong with a configuration that has the schema's form. It looks at nothing but the configuration. Without
 * `isolation` it does not judge by namespaces and mappings, which may be wrong themselves.
 */
export function checkConfig(config: Config, { isolation = true } = {}): Finding[] {
  const applied = isolation ? [...rules, ...isolationRules] : rules;
  return [
    ...applied.flatMap((rule) => rule(config)),
    ...(config.process ? checkProcess(config.process, '/process') : []),
    ...(config.linux?.resources ? checkResources(config.linux.resources, '/linux/resources') : []),
  ];
}

/** The same for a process, of a configuration (`base` is /process) or one that exec is given (`base` is empty). */
export function checkProcess(process: Process, base = ''): Finding[] {
  return processRules.flatMap((rule) =>
    rule(process).map((finding) => ({ ...finding, pointer: base + finding.pointer })),
  );
}

export { checkResources };
