// Texts that a C string cannot hold.

import { error, type Finding } from '../finding.ts';
import type { Config } from '../generated/types.ts';
import { escapePointer } from '../json-scan.ts';

/** The kernel would read any path, argument or name with a NUL as if it ended there. Annotations never reach it. */
export function noNul(config: Config): Finding[] {
  const findings: Finding[] = [];
  const { annotations, ...rest } = config;
  // Not recursive: nesting in properties that the specification does not know has no bound.
  const open: [pointer: string, value: unknown][] = [['', rest]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [pointer, value] = next;
    if (typeof value === 'string') {
      if (value.includes('\0'))
        findings.push(error(pointer, 'contains a NUL', 'no \\u0000', 'config.md#valid-values'));
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) {
        if (key.includes('\0')) open.push([`${pointer}/${escapePointer(key)}`, key]);
        if (typeof child === 'string' ? child.includes('\0') : typeof child === 'object')
          open.push([`${pointer}/${escapePointer(key)}`, child]);
      }
    }
  }
  return findings;
}

/** config.md#annotations */
export function annotations({ annotations = {} }: Config): Finding[] {
  return '' in annotations
    ? [error('/annotations/', 'has an empty key', 'a name', 'config.md#annotations')]
    : [];
}
