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

/** Whether a property is another one, or below it. */
export function isWithin(property: string, other: string): boolean {
  if (!property.startsWith(other)) return false;
  const next = property[other.length];
  return next === undefined || next === '.' || next === '[';
}

/** The lines of a value, both from 1. */
export interface Extent {
  first: number;
  last: number;
  /** Its text. */
  text: string;
  /** False: there is no such value, and these lines are those of what holds it. */
  exact: boolean;
}

/** The lines in which a value stands, by its JSON pointer; undefined for a text that is not JSON. */
export function extentIn(text: string, pointer: string): Extent | undefined {
  let offsets: Map<string, number>;
  try {
    offsets = scanJson(text);
  } catch {
    return undefined;
  }
  for (let known = pointer; ; known = known.slice(0, known.lastIndexOf('/'))) {
    const start = offsets.get(known);
    if (start === undefined && known !== '') continue;
    const begin = start ?? 0;
    const end = endOf(text, begin);
    const positionOf = positionsIn(text);
    const [first, last] = [positionOf(begin).line, positionOf(end).line];
    return { first, last, text: text.slice(begin, end + 1), exact: known === pointer };
  }
}

/** Where a value of a text that is JSON ends. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    // A number or a word ends before what separates it.
    if (depth < 0 || (depth === 0 && char === ',')) return at - 1;
    if (depth === 0 && char !== undefined && '"}]'.includes(char)) return at;
  }
  return text.length - 1;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return text.length - 1;
}
