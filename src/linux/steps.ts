// Steps that are done on the host, for who watches them (--debug). What stubs execute is told to their observers instead
// (stub/observer.ts).

type Listener = (doing: string) => void;

let listener: Listener | undefined;

/** From here on `listen` is told of each step; undefined: nobody is. */
export function listenToSteps(listen: Listener | undefined): void {
  listener = listen;
}

/** Tells that a step is about to be done, in the words that its error would have. */
export function step(doing: string): void {
  listener?.(doing);
}
