// Work in steps that is taken back when a later step fails.

/** Called after a step, with what takes it back. */
export type OnFailure = (undo: () => void) => void;

/**
 * Runs `work`. If it throws, what it has done so far is taken back, last step first; an undo that fails does not keep
 * the others from running, and the first error is the one thrown.
 */
export function undoable<T>(work: (onFailure: OnFailure) => T): T {
  const undos: (() => void)[] = [];
  try {
    return work((undo) => undos.push(undo));
  } catch (error) {
    for (const undo of undos.reverse()) {
      try {
        undo();
      } catch {}
    }
    throw error;
  }
}
