// "JSON.parse source text access" of ECMAScript, in V8 since 11.4; TypeScript's library does not know it yet.
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** JSON of a value with integers of 64 bits: the counterpart of parseJson. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? rawJSON(String(part)) : part,
  );
}
