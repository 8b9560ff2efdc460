// JSON in, with no integer rounded and every mistake located.

import { messageOf } from '../linux/errors.ts';
import { JsonError, scanJson } from './json-scan.ts';

// Only where a number of 16 digits or more stands can an integer be above 2^53. A match in a string costs time, nothing else.
const longNumber = /(?:^|[\s:,[])-?\d{16}/;
const plainInteger = /^-?\d+$/;
const nullProperty = /:\s*null/;

/**
 * What `text` says. A property that is null is left out: encoders of Go and C write null for what is not set. An
 * integer that a number cannot hold exactly, such as the rlimit 18446744073709551615, becomes a bigint; such an integer
 * written with a fraction or an exponent stays a number, which the validators refuse.
 *
 * @throws JsonError
 */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = longNumber.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
    // Most texts have none, which the first tells fastest.
    if (text.includes('null') && nullProperty.test(text)) leaveOutNulls(value);
    return value;
  } catch (error) {
    // V8 does not always tell where.
    scanJson(text);
    throw new JsonError(messageOf(error), 0);
  }
}

function exactInteger(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && plainInteger.test(source) ? BigInt(source) : value;
}

/** Not recursive: nesting in properties that the specification does not know has no bound. */
function leaveOutNulls(value: unknown): void {
  const all = [value];
  for (const each of all) {
    if (typeof each !== 'object' || each === null) continue;
    for (const [name, child] of Object.entries(each)) {
      if (child !== null) all.push(child);
      else if (!Array.isArray(each)) Reflect.deleteProperty(each, name);
    }
  }
}
