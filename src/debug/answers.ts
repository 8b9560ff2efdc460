// What the debugger is answered that has the command do nothing: breakpoints, and an edited config.

import { messageOf } from '../linux/errors.ts';
import type { Breakpoints } from './breakpoints.ts';
import type { DebuggedConfig } from './debugged-config.ts';
import type { History, Place } from './history.ts';
import { propertyOf } from './operations.ts';
import type { Answer } from './protocol.ts';
import { showWhere } from './where.ts';

/** The answer, or a refusal that says why there is none. */
function answering(act: () => Answer): Answer {
  try {
    return act();
  } catch (error) {
    return { answer: 'refused', message: messageOf(error) };
  }
}

export function addBreakpoint(breakpoints: Breakpoints, config: DebuggedConfig, text: string): Answer {
  return answering(() => {
    const { id, where } = breakpoints.add(text);
    const { property } = 'property' in where ? where : { property: undefined };
    const note =
      property !== undefined && !config.has(property) ? `config.json has no ${property}` : undefined;
    return { answer: 'break', id, where: showWhere(where), note };
  });
}

export function deleteBreakpoints(breakpoints: Breakpoints, ids: readonly number[]): Answer {
  return answering(() => ({ answer: 'delete', ids: breakpoints.delete(ids) }));
}

/** Takes in the config as it is on disk now, as far as what it changes has not been done. */
export function takeEdit(config: DebuggedConfig, { at, error }: Place, { operations }: History): Answer {
  const reached = propertyOf(error) ?? at?.property;
  return answering(() => ({
    answer: 'edit',
    changed: config.edit({ reached, done: operations }, error !== undefined),
  }));
}
