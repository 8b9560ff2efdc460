// Reading the values of interface files for statistics. A file that is not there (its controller is off) has none.

import { parseFlatKeyed, tryReadCgroupFile } from '../cgroup-files.ts';

/** A number that JSON.stringify writes in full. */
export interface RawJson {
  readonly rawJSON: string;
}

/** A counter: 64 bits in the kernel, so beyond 2^53 a piece of JSON text instead of a number. */
export type Count = number | RawJson;

/** What runc reports where the kernel says "max". */
export const NO_LIMIT = 2n ** 64n - 1n;

// The proposal "JSON.parse source text access", in V8 since 11.4; TypeScript's library does not know it yet.
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): RawJson };

export function count(value: bigint): Count {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : rawJSON(String(value));
}

/** A file with one number, or "max". */
export function readNumber(directory: string, file: string): bigint | undefined {
  const text = tryReadCgroupFile(directory, file);
  if (text === 'max') return NO_LIMIT;
  return text !== undefined && /^\d+$/.test(text) ? BigInt(text) : undefined;
}

/** A flat keyed file. */
export function readKeyed(directory: string, file: string): Map<string, bigint> | undefined {
  const text = tryReadCgroupFile(directory, file);
  return text === undefined ? undefined : parseFlatKeyed(text);
}

/** The lines of a nested keyed file: a name and KEY=VALUE pairs ("8:16 rbytes=1459200 wbytes=314773504"). */
export function readNested(directory: string, file: string): [name: string, values: Map<string, bigint>][] {
  return (tryReadCgroupFile(directory, file) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', ...pairs] = line.split(' ');
      return [name, new Map(pairs.flatMap((pair) => keyValue(pair)))];
    });
}

function keyValue(pair: string): [string, bigint][] {
  const [key = '', value = ''] = pair.split('=');
  if (value === 'max') return [[key, NO_LIMIT]];
  return /^\d+$/.test(value) ? [[key, BigInt(value)]] : [];
}
