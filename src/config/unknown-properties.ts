// What the generated outline of the configuration tells.

import { type Finding, warning } from './finding.ts';
import { Config, type Outline } from './generated/outline.ts';
import { escapePointer } from './json-scan.ts';
import { nearest } from './nearest.ts';

/** The section of the specification that speaks of a value of the configuration. */
export function sectionOf(pointer: string): string {
  let outline = Config;
  for (const part of pointer.split('/').slice(1)) {
    const next = property(outline, part) ?? outline.values;
    if (next === undefined) break;
    outline = next;
  }
  return outline.spec;
}

/** Properties that are not known, and so without effect (config.md#extensibility), or deprecated. */
export function surprises(value: unknown, outline: Outline = Config, pointer = ''): Finding[] {
  if (typeof value !== 'object' || value === null) return [];
  const { properties, values } = outline;
  return Object.entries(value).flatMap(([name, child]) => {
    const at = `${pointer}/${escapePointer(name)}`;
    if (values) return surprises(child, values, at);
    if (!properties) return [];
    const known = property(outline, name);
    if (!known) {
      const guess = nearest(name, Object.keys(properties)) ?? '';
      return [warning(at, 'is not known, and ignored', guess, 'config.md#extensibility')];
    }
    const deprecated = known.deprecated ? [warning(at, 'is deprecated', '', known.spec)] : [];
    return [...deprecated, ...surprises(child, known, at)];
  });
}

function property({ properties }: Outline, name: string): Outline | undefined {
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}
