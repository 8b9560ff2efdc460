// config-linux.md#network-devices

import { error, type Finding } from '../finding.ts';
import type { Config } from '../generated/types.ts';
import { escapePointer } from '../json-scan.ts';
import { namespaceOf } from './namespaces.ts';
import { bytesOf, quote } from './values.ts';

const section = 'config-linux.md#network-devices';
/** linux/if.h: IFNAMSIZ, which counts the final NUL. */
const IFNAMSIZ = 16;

export function netDevices(config: Config): Finding[] {
  const devices = Object.entries(config.linux?.netDevices ?? {});
  if (devices.length === 0) return [];
  if (!namespaceOf(config, 'network')) {
    const expected = 'a namespace of type network in linux.namespaces';
    return [error('/linux/netDevices', 'has no network namespace to move to', expected, section)];
  }
  const findings: Finding[] = [];
  const taken = new Set<string>();
  for (const [outside, { name }] of devices) {
    const pointer = `/linux/netDevices/${escapePointer(outside)}`;
    const inside = name || outside;
    if (!isInterfaceName(outside)) findings.push(error(pointer, ...notAName(outside), section));
    // %d stands for a number that the kernel finds.
    if (name && !isInterfaceName(name.replace('%d', '0')))
      findings.push(error(`${pointer}/name`, ...notAName(name), section));
    else if (taken.has(inside) && !inside.includes('%d'))
      findings.push(error(pointer, `becomes ${inside}, as another does`, 'a name of its own', section));
    taken.add(inside);
  }
  return findings;
}

function notAName(name: string): [problem: string, expected: string] {
  return [`is ${quote(name)}`, `an interface name, of at most ${IFNAMSIZ - 1} bytes`];
}

/** net/core/dev.c: dev_valid_name */
function isInterfaceName(name: string): boolean {
  return !['', '.', '..'].includes(name) && bytesOf(name) < IFNAMSIZ && !/[/:%\s]/.test(name);
}
