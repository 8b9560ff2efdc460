// Documents that differ from a valid one in one place.

import { escapePointer } from '../../src/config/json-scan.ts';

export interface Variant {
  /** JSON pointer of the changed value. */
  pointer: string;
  /** The new value as JSON, or `removed`. */
  change: string;
  document: unknown;
}

const ofEveryType = [true, 'text', '', 0, 1.5, null, [], {}, [1], ['text'], { key: 1 }];
const integers = [
  -1001,
  -1,
  0,
  1,
  8,
  101,
  1001,
  2 ** 16,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2n ** 62n,
  -(2n ** 62n),
  2n ** 65n,
  -(2n ** 65n),
];

/** Each value changed to others, each property removed, and one added to each object. */
export function* variants(document: object): Generator<Variant> {
  yield { pointer: '', change: 'none', document };
  for (const [pointer, path, value] of places(document, '', [])) {
    const others: unknown[] = [...ofEveryType];
    if (typeof value === 'number' || typeof value === 'bigint') others.push(...integers);
    if (typeof value === 'string')
      others.push(`${value}X`, value.toLowerCase(), value.slice(1), `${value}\n`);
    for (const other of others)
      yield { pointer, change: show(other), document: changed(document, path, () => other) };
    if (path.length > 0)
      yield { pointer, change: 'removed', document: changed(document, path, () => undefined) };
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const extended = changed(document, path, (object) => ({ ...(object as object), 'x-unknown': [1] }));
      // In a map any key is known.
      if (Object.keys(value).length > 1) yield { pointer, change: 'an unknown property', document: extended };
    }
  }
}

function* places(value: unknown, pointer: string, path: string[]): Generator<[string, string[], unknown]> {
  yield [pointer, path, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value))
    yield* places(child, `${pointer}/${escapePointer(key)}`, [...path, key]);
}

/** A copy in which the value at the path is another; undefined removes it. */
function changed(value: unknown, path: readonly string[], change: (old: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  const copy: Record<string, unknown> = Object.assign(Array.isArray(value) ? [] : {}, value);
  const child = changed(copy[key], rest, change);
  if (child !== undefined) copy[key] = child;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete copy[key];
  return copy;
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
