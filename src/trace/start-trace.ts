// `tsoci --trace[=FILE]`.

import { closeSync, openSync } from 'node:fs';
import type { Caller } from '../launcher/caller.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import { observeStubs } from '../stub/observer.ts';
import { Tracer } from './tracer.ts';

/** Traces all stubs from here on, to a descriptor or a file, which is appended to. Call the result at the end. */
export function startTrace(file: string | undefined, caller: Caller): () => void {
  const fd = file === undefined ? caller.stdio[2] : open(file);
  let broken = false;
  // What cannot be written is no failure of the call that it tells of.
  const write = (text: string) => {
    try {
      if (!broken) caller.write(fd, text);
    } catch (error) {
      broken = true;
      caller.warn(`the trace ends here: ${messageOf(error)}`);
    }
  };
  const tracer = new Tracer({ write, real: true });
  const stopObserving = observeStubs(tracer);
  return () => {
    stopObserving();
    tracer.close();
    if (file !== undefined) closeSync(fd);
  };
}

function open(file: string): number {
  try {
    return openSync(file, 'a', 0o644);
  } catch (error) {
    throw TsociError.from(`open trace file ${file}`, error);
  }
}
