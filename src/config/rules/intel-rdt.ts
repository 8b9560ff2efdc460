// config-linux.md#intelrdt

import { error, type Finding, warning } from '../finding.ts';
import type { Config } from '../generated/types.ts';
import { quote } from './values.ts';

const section = 'config-linux.md#intelrdt';

export function intelRdt(config: Config): Finding[] {
  const rdt = config.linux?.intelRdt;
  if (!rdt) return [];
  const { closID, l3CacheSchema, schemata = [] } = rdt;
  const findings: Finding[] = [];
  if (closID !== undefined && closID !== '/' && !isDirectoryName(closID)) {
    const expected = 'the name of one directory, or /';
    findings.push(error('/linux/intelRdt/closID', `is ${quote(closID)}`, expected, section));
  }
  if (l3CacheSchema !== undefined && !l3CacheSchema.startsWith('L3:'))
    findings.push(warning('/linux/intelRdt/l3CacheSchema', `is ${quote(l3CacheSchema)}`, 'L3:…', section));
  const lines: [string, string | undefined][] = [
    ['l3CacheSchema', l3CacheSchema],
    ...schemata.map((line, i): [string, string] => [`schemata/${i}`, line]),
  ];
  for (const [name, line] of lines) {
    if (line?.includes('\n'))
      findings.push(error(`/linux/intelRdt/${name}`, 'has a line break', 'one line', section));
  }
  return findings;
}

function isDirectoryName(name: string): boolean {
  return !['', '.', '..'].includes(name) && !/[/\n]/.test(name);
}
