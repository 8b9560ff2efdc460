// What holds of whoever reads bytes that others have made, whatever they are.

import { isDeepStrictEqual } from 'node:util';
import { JsonError } from '../../src/config/json-scan.ts';
import { TsociError } from '../../src/linux/errors.ts';

/** One input; `fuzz` throws when something is wrong. */
export type Fuzz = (data: Buffer) => void | Promise<void>;

/** Microseconds of processor time. A loaded machine takes none of it away. */
const MOST = 1_000_000;
/** What a value becomes that nobody has put into words. */
const unworded = /\[object |\bundefined\b|\bNaN\b/;

/** What `read` answers, or undefined where it refuses. It must do that with an error of ours that says what is wrong. */
export function unlessRefused<T>(read: () => T, input: string | Buffer = ''): { value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    checkRefusal(error, input);
    return undefined;
  }
}

/** The same for what takes its time. */
export async function unlessRefusedLater<T>(
  read: () => Promise<T>,
  input: string | Buffer = '',
): Promise<{ value: T } | undefined> {
  try {
    return { value: await read() };
  } catch (error) {
    checkRefusal(error, input);
    return undefined;
  }
}

/** Throws what is none of our errors, or one whose message tells nothing. */
function checkRefusal(error: unknown, input: string | Buffer): void {
  if (!(error instanceof TsociError || error instanceof JsonError)) throw error;
  const word = unworded.exec(error.message)?.[0];
  // It may be a word of the input's.
  if (error.message === '' || (word !== undefined && !input.includes(word)))
    throw new Error(`a message that tells nothing: ${JSON.stringify(error.message)}`);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(writable(actual), writable(expected))) return;
  throw new Error(`${what}: ${shown(actual)} where ${shown(expected)} was expected`);
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** With what holds of all: it comes to an end soon, and leaves the prototypes of everybody's objects as they are. */
export function bounded(fuzz: Fuzz): Fuzz {
  return async (data) => {
    let took = await processorTime(fuzz, data);
    // Modules may have been loaded meanwhile.
    if (took > MOST) took = await processorTime(fuzz, data);
    holds(took <= MOST, `it has taken ${took / 1e6} s of processor time`);
    for (const prototype of [Object.prototype, Array.prototype])
      same(Object.keys(prototype), [], 'properties of a prototype');
  };
}

/** What JSON.stringify writes of it: 0 for -0, null for what is beyond 1e308, and digits for 1e17. */
function writable(value: unknown): unknown {
  if (typeof value === 'number') {
    const text = JSON.stringify(value);
    return /^-?\d{16,}$/.test(text) ? BigInt(text) : JSON.parse(text);
  }
  if (Array.isArray(value)) return value.map(writable);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  const parts = Object.entries(value).map(([name, part]) => [name, writable(part)] as const);
  return Object.fromEntries(parts.filter(([, part]) => part !== null));
}

async function processorTime(fuzz: Fuzz, data: Buffer): Promise<number> {
  const before = process.cpuUsage();
  await fuzz(data);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}
