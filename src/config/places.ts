// Where the values of a configuration stand in its text.

import type { Finding } from './finding.ts';
import { escapePointer, positionsIn, scanJson } from './json-scan.ts';

/** Line and column, both from 1. */
export interface Place {
  line: number;
  column: number;
}

/**
 * Of a text that is JSON: the place of a value by its JSON pointer; of one that is missing, that of where it belongs.
 *
 * @throws JsonError
 */
export function placesIn(text: string): (pointer: string) => Place {
  const offsets = scanJson(text);
  const positionOf = positionsIn(text);
  return (pointer) => {
    for (let known = pointer; ; known = known.slice(0, known.lastIndexOf('/'))) {
      const offset = offsets.get(known);
      if (offset !== undefined || known === '') return positionOf(offset ?? 0);
    }
  };
}

/** Findings of a configuration that was read: with their places, unless it is nested too deep to be looked through. */
export function withPlaces(findings: readonly Finding[], text: string): readonly Finding[] {
  if (findings.length === 0) return findings;
  const placeOf = tryPlacesIn(text);
  return placeOf ? findings.map((finding) => ({ ...finding, ...placeOf(finding.pointer) })) : findings;
}

function tryPlacesIn(text: string): ((pointer: string) => Place) | undefined {
  try {
    return placesIn(text);
  } catch {
    return undefined;
  }
}

/** `process.cwd is at config.json:7:12` */
export function tellPlace(property: string, { file, text }: { file: string; text: string }): string {
  const place = tryPlacesIn(text)?.(pointerOf(property));
  return `${property} is ${place ? `at ${file}:${place.line}:${place.column}` : `in ${file}`}`;
}

/** The JSON pointer of a property as errors and traces name it: `mounts[2].options`, `linux.sysctl["net.core.somaxconn"]`. */
export function pointerOf(property: string): string {
  const parts = property.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...parts]
    .map(([, quoted, index, name]) => (quoted === undefined ? (index ?? name) : JSON.parse(`"${quoted}"`)))
    .map((part: string) => `/${escapePointer(part)}`)
    .join('');
}
