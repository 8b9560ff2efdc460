// config.md#linux-process: what cannot be granted is a warning, and the container is created all the same.

import { type Finding, warning } from '../finding.ts';
import type { Process } from '../generated/types.ts';
import { capabilityNames } from '../generated/values.ts';
import { nearest } from '../nearest.ts';
import { quote } from './values.ts';

const section = 'config.md#linux-process';
const names: ReadonlySet<string> = new Set(capabilityNames);
const setNames = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const;

export function capabilities({ capabilities: sets }: Process): Finding[] {
  if (!sets) return [];
  const { permitted = [], inheritable = [], effective = [], ambient = [] } = sets;
  return [
    ...setNames.flatMap((set) => unknownNames(set, sets[set] ?? [])),
    // capset(2) and PR_CAP_AMBIENT_RAISE of prctl(2).
    ...notIn(permitted, 'effective', effective, 'permitted'),
    ...notIn(permitted, 'ambient', ambient, 'permitted'),
    ...notIn(inheritable, 'ambient', ambient, 'inheritable'),
  ];
}

function unknownNames(set: string, list: readonly string[]): Finding[] {
  return list.flatMap((name, i) => {
    if (names.has(name)) return [];
    const guess = nearest(name, capabilityNames) ?? 'a capability of capabilities(7)';
    return [warning(`/capabilities/${set}/${i}`, `is ${quote(name)}`, guess, section)];
  });
}

function notIn(allowed: readonly string[], set: string, list: readonly string[], needed: string): Finding[] {
  const all = new Set(allowed);
  return list.flatMap((name, i) => {
    if (all.has(name) || !names.has(name)) return [];
    const problem = `is ${name}, which is not in ${needed}`;
    return [warning(`/capabilities/${set}/${i}`, problem, `${name} in ${needed} too`, section)];
  });
}
