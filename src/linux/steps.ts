// Steps that are done on the host, for who watches them (--debug, --trace). What stubs execute is told to their observers
// instead (stub/observer.ts).

type Listener = (doing: string) => void;

const listeners = new Set<Listener>();

/** From here on `listen` is told of each step, until the result is called. */
export function listenToSteps(listen: Listener): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

/** Tells that a step is about to be done, in the words that its error would have. */
export function step(doing: string): void {
  for (const listen of listeners) listen(doing);
}
