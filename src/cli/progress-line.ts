// How far long work has come, as the last line of a terminal that is standard error. It is taken away again.

import { writeSync } from 'node:fs';
import { watchProgress } from '../linux/progress.ts';
import { type Screen, screenOf } from '../linux/screen.ts';

/** Milliseconds until work is long, and between two looks at it. */
const LONG = 400;
const AGAIN = 100;
/** Back to the first column, and nothing from there on (ECMA-48, EL). */
const WIPE = '\r\x1b[K';

export interface ProgressLine extends Disposable {
  /** Takes the line away, before something else is written. */
  wipe(): void;
}

/** Watches long work of a command. `alive` tells whether the terminal is still that of the command, and not of a shell. */
export function startProgress(
  stderr: number,
  env: Readonly<Record<string, string | undefined>>,
  alive: () => boolean,
): ProgressLine {
  let screen: Screen | undefined | 'unknown' = 'unknown';
  let next = performance.now() + LONG;
  let shown = false;
  const write = (text: string) => {
    try {
      if (alive()) writeSync(stderr, text);
    } catch {
      // A terminal that is gone or stopped is no reason to stop.
    }
  };
  const wipe = () => {
    if (shown) write(WIPE);
    shown = false;
  };
  const show = (text: string) => {
    const now = performance.now();
    if (now < next) return;
    next = now + AGAIN;
    if (screen === 'unknown') screen = screenOf(stderr, env);
    if (!screen) return;
    // The last column stays free: a cursor behind it would be in the next line.
    write(WIPE + `tsoci: ${text}`.replace(/\p{Cc}/gu, '?').slice(0, screen.columns - 1));
    shown = true;
  };
  watchProgress((text) => (text === undefined ? wipe() : show(text)));
  return {
    wipe,
    [Symbol.dispose]: () => {
      watchProgress(undefined);
      wipe();
    },
  };
}
