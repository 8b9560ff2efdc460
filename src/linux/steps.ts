// Steps that are done on the host, for who watches them (--debug, --trace, `tsoci debug`). What stubs execute is told to
// their observers instead (stub/observer.ts).

/** Steps of a container's life (runtime.md#lifecycle), by the names that a person gives them. */
export const phases = [
  'namespaces',
  'rootfs',
  'prestart',
  'createRuntime',
  'createContainer',
  'start',
  'startContainer',
  'poststart',
  'poststop',
] as const;
export type Phase = (typeof phases)[number];

type Listener = (doing: string, phase: Phase | undefined) => void;

const listeners = new Set<Listener>();

/** From here on `listen` is told of each step, until the result is called. */
export function listenToSteps(listen: Listener): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

/** Tells that a step is about to be done, in the words that its error would have; and that it begins a phase. */
export function step(doing: string, phase?: Phase): void {
  for (const listen of listeners) listen(doing, phase);
}
