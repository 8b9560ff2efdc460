// What was measured on: results mean little without it.

import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

export function describeMachine(): string[] {
  const processors = cpus();
  const model = processors[0]?.model ?? 'unknown';
  const virtual = readFileSync('/proc/cpuinfo', 'utf8').includes(' hypervisor')
    ? ' of a virtual machine'
    : '';
  return [
    `${processors.length} processors${virtual}, ${model}; ${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`,
    `Linux ${release()}`,
    `load average before: ${loadavg()[0]?.toFixed(1)}`,
  ];
}
