// What a check says when the runtime is not as it should be.

import type { Result } from './runtime.ts';

/** The runtime does not meet the requirement. */
export class Failure extends Error {
  override name = 'Failure';
}

/** The check cannot tell on this host, for the reason given. */
export class Skip extends Error {
  override name = 'Skip';
}

export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Failure(otherwise);
}

export function expectEqual(actual: unknown, wanted: unknown, what: string): void {
  const [a, w] = [JSON.stringify(actual), JSON.stringify(wanted)];
  expect(a === w, `${what} is ${a}, not ${w}`);
}

export function expectMatch(actual: string, wanted: RegExp, what: string): void {
  expect(wanted.test(actual), `${what} is ${JSON.stringify(actual)}, which does not match ${wanted}`);
}

export function expectSuccess(result: Result): Result {
  expect(result.code === 0, `${result.command} failed (${result.code}): ${lastLine(result.stderr)}`);
  return result;
}

/** The operation generated an error: it ended by itself, and not with 0. */
export function expectError(result: Result, reason: string): Result {
  expect(result.code !== 0, `${result.command} succeeded although ${reason}`);
  return result;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
