// Bytecode, a large part of the heap that each start copies: only what a start calls should be there.

// node:v8 has it too, but would bring Node's streams into each start.
import { internalBinding } from 'internal/test/binding';

const { setFlagsFromString } = internalBinding('v8');

/** Gives up the bytecode of every function. One that is called again is compiled again. */
export function flushBytecode(): void {
  // Every collection of garbage is a whole one, and takes bytecode however young it is.
  setFlagsFromString('--gc-global');
  setFlagsFromString('--stress-flush-code');
  // Several times what new objects have room for.
  for (let round = 0; round < 50; round++) new Array(100_000).fill(round);
  setFlagsFromString('--no-stress-flush-code');
  setFlagsFromString('--no-gc-global');
}

/** From here on a function is compiled with the script that it is part of, and not only when it is called. */
export function compileAll(): void {
  setFlagsFromString('--no-lazy');
}
