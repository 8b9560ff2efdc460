// Work in steps that is taken back when a later step fails.

import { neverGiveUp } from './wanted.ts';

/**
 * Does `work`, which defers to the stack how to take back each step. If it throws, all is taken back, the last step first.
 * A step that cannot be taken back keeps no other from it, and is reported; the error thrown is that of `work`.
 */
export function undoable<T>(
  work: (undo: DisposableStack) => T,
  report: (error: unknown) => void = () => {},
): T {
  const undo = new DisposableStack();
  try {
    return work(undo);
  } catch (error) {
    neverGiveUp();
    for (const second of disposalErrors(undo)) report(second);
    throw error;
  }
}

function disposalErrors(stack: DisposableStack): unknown[] {
  try {
    stack.dispose();
    return [];
  } catch (error) {
    return flat(error);
  }
}

/** Disposal nests the errors of several steps (SuppressedError): in the order in which they came. */
function flat(error: unknown): unknown[] {
  return error instanceof SuppressedError ? [...flat(error.suppressed), error.error] : [error];
}
