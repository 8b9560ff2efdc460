// `tsoci --trace[=WHAT,…|FILE]`.

import { closeSync, openSync } from 'node:fs';
import type { Caller } from '../launcher/caller.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import { screenOf } from '../linux/screen.ts';
import { listenToSteps } from '../linux/steps.ts';
import { observeStubs } from '../stub/observer.ts';
import { ChromeTrace } from './chrome-trace.ts';
import { type EventFile, openEventFile } from './event-file.ts';
import { type Filter, parseFilter } from './filter.ts';
import { showLine } from './lines.ts';
import { Tracer } from './tracer.ts';

/** What the options ask for. */
export interface TraceRequest {
  /** What is traced (parseFilter); empty for all. */
  words: readonly string[];
  /** Where the trace goes; undefined for standard error. */
  file: string | undefined;
  /** The command, as its trace is called. */
  name: string;
}

/** A file for trace events, not for lines. */
const EVENTS = '.json';

/** A file has a / in its name, or ends in .json. What is in brackets is the name of a key: `linux.sysctl["net/…"]`. */
export function namesFile(value: string): boolean {
  return value.endsWith(EVENTS) || value.replace(/\[.*\]/, '').includes('/');
}

/** Traces all stubs from here on. Call the result at the end. */
export function startTrace({ words, file, name }: TraceRequest, caller: Caller): () => void {
  const filter = words.length > 0 ? parseFilter('--trace', words) : undefined;
  return file?.endsWith(EVENTS) ? traceEvents(file, name, filter, caller) : traceLines(file, filter, caller);
}

/** To a descriptor or a file, which is appended to. */
function traceLines(file: string | undefined, filter: Filter | undefined, caller: Caller): () => void {
  const fd = file === undefined ? caller.stdio[2] : open(file);
  const write = untilBroken(caller, (text: string) => caller.write(fd, text));
  const tracer = new Tracer({
    write: (lines) => {
      const screen = screenOf(fd, caller.env);
      write(lines.map((line) => showLine(line, screen)).join(''));
    },
    real: true,
    filter,
  });
  const stopObserving = observeStubs(tracer);
  return () => {
    stopObserving();
    tracer.close();
    if (file !== undefined) closeSync(fd);
  };
}

function traceEvents(path: string, name: string, filter: Filter | undefined, caller: Caller): () => void {
  const opened = openEventFile(path);
  const append = untilBroken(caller, (events: Parameters<EventFile['append']>[0]) => opened.append(events));
  const file: EventFile = { append, [Symbol.dispose]: () => opened[Symbol.dispose]() };
  const trace = new ChromeTrace({ file, pid: caller.pid, name, filter });
  const stopObserving = observeStubs(trace);
  const stopListening = listenToSteps((doing) => trace.step(doing));
  return () => {
    stopObserving();
    stopListening();
    trace.close();
    file[Symbol.dispose]();
  };
}

/** What cannot be written is no failure of the call that it tells of: it is told once, and nothing more is written. */
function untilBroken<T>(caller: Caller, write: (what: T) => void): (what: T) => void {
  let broken = false;
  return (what) => {
    try {
      if (!broken) write(what);
    } catch (error) {
      broken = true;
      caller.warn(`the trace ends here: ${messageOf(error)}`);
    }
  };
}

function open(file: string): number {
  try {
    return openSync(file, 'a', 0o644);
  } catch (error) {
    throw TsociError.from(`open trace file ${file}`, error);
  }
}
