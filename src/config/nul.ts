// Texts that a C string cannot hold.

import { error, type Finding } from './finding.ts';
import { escapePointer } from './json-scan.ts';

/**
 * Names and values with a NUL, at which the kernel would take a path, an argument or a name to end. Annotations never
 * reach it. Only this escape makes a NUL in JSON, so that most texts are not looked through.
 */
export function nulErrors(text: string, value: unknown): Finding[] {
  if (!text.includes('\\u0000')) return [];
  const findings: Finding[] = [];
  // Not recursive: nesting in properties that the specification does not know has no bound.
  const open: [pointer: string, value: unknown][] = [['', value]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [pointer, value] = next;
    if (typeof value === 'string' && value.includes('\0'))
      findings.push(error(pointer, 'contains a NUL', 'none', 'config.md#valid-values'));
    if (typeof value !== 'object' || value === null || pointer === '/annotations') continue;
    for (const [name, child] of Object.entries(value)) {
      const at = `${pointer}/${escapePointer(name)}`;
      open.push([at, child]);
      if (name.includes('\0')) open.push([at, name]);
    }
  }
  return findings;
}
