// Which containers a command is about: one by its id, or with --regex all whose ids match.

import type { Caller } from '../launcher/caller.ts';
import { messageOf } from '../linux/errors.ts';
import { type Option, UsageError } from './options.ts';

export const REGEX_OPTION = {
  long: 'regex',
  short: 'r',
  kind: 'flag',
  help: 'CONTAINER is a regular expression: take all whose ids match somewhere',
} as const satisfies Option;

export async function selectContainers(
  root: string,
  text: string,
  regex: boolean,
): Promise<readonly string[]> {
  if (!regex) return [text];
  const pattern = compile(text);
  const { containerIds } = await import('../container/state/store.ts');
  return containerIds(root).filter((id) => pattern.test(id));
}

/** Does it to each, also after one that fails; then the last error is thrown. */
export async function forEach(
  caller: Caller,
  ids: readonly string[],
  act: (id: string) => Promise<void> | void,
): Promise<void> {
  const errors: unknown[] = [];
  for (const id of ids) {
    try {
      await act(id);
    } catch (error) {
      errors.push(error);
    }
  }
  const last = errors.pop();
  for (const error of errors) caller.warn(messageOf(error));
  if (last !== undefined) throw last;
}

function compile(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
