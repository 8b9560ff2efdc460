// JSON with 64-bit integers, and JSON pointers (RFC 6901) into it.

export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** Integers that a double cannot hold become bigint. */
export function parseJson(text: string): Json {
  return JSON.parse(text, (_key, value: Json, context?: { source: string }) => {
    const exact = typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value);
    return exact || !context || !/^-?\d+$/.test(context.source) ? value : BigInt(context.source);
  });
}

/** The other way: a bigint is written as the integer it is. */
export function printJson(value: unknown): string {
  const marked = JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? `\u0001${v}` : v), 2);
  return marked.replace(/"\\u0001(-?\d+)"/g, '$1');
}

/** Where a pointer leads: a container and a key in it; undefined where the way there does not exist. */
function resolve(root: object, pointer: string): [object, string] | undefined {
  const keys = pointer.split('/').slice(1);
  const last = keys.pop();
  let at: unknown = root;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, indexIn(at, key));
  }
  return typeof at === 'object' && at !== null && last !== undefined ? [at, indexIn(at, last)] : undefined;
}

/** Unlike in RFC 6901, a negative index counts from the end of an array: `/mounts/-1/options`. */
function indexIn(container: object, key: string): string {
  const negative = Array.isArray(container) && /^-\d+$/.test(key);
  return negative ? String(container.length + Number(key)) : key;
}

export function valueAt(root: object, pointer: string): unknown {
  const place = resolve(root, pointer);
  return place && Reflect.get(...place);
}

/** Sets a value of any type, the wrong one too: what a check of invalid values needs. */
export function setAt(root: object, pointer: string, value: unknown): void {
  const place = resolve(root, pointer);
  if (!place) throw new Error(`no such place: ${pointer}`);
  Reflect.set(...place, value);
}

/** Removes a property or an element; says whether there was one. */
export function removeAt(root: object, pointer: string): boolean {
  const place = resolve(root, pointer);
  if (!place || !(place[1] in place[0])) return false;
  const [container, key] = place;
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else Reflect.deleteProperty(container, key);
  return true;
}
