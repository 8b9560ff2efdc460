// The container's state as a hook reads it on its standard input: runtime.md#state.

import { TsociError } from '../linux/errors.ts';

export interface HookState {
  readonly id: string;
  /** 0 when there is no process any more. */
  readonly pid: number;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Checks what a hook needs of the state; any runtime may have written it. */
export function parseHookState(text: string): HookState {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (error) {
    throw TsociError.from("read the container's state from standard input", error);
  }
  if (!isObject(state)) throw invalid('it is no object');
  const { id, pid = 0, bundle = '', annotations } = state;
  if (typeof id !== 'string' || id === '') throw invalid('id is no string');
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 0) throw invalid('pid is no process id');
  if (typeof bundle !== 'string') throw invalid('bundle is no string');
  return { id, pid, bundle, annotations: strings(annotations ?? {}) };
}

function strings(annotations: unknown): Record<string, string> {
  if (!isObject(annotations)) throw invalid('annotations is no object');
  const entries = Object.entries(annotations);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(what: string): TsociError {
  return new TsociError(`the container's state on standard input is not as runtime.md#state says: ${what}`);
}
