// A pause of this thread: for what no event tells of.

let word: Int32Array<SharedArrayBuffer> | undefined;

/** Blocks for that many milliseconds. */
export function pause(milliseconds: number): void {
  word ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(word, 0, 0, milliseconds);
}
