// Signals to the debugger. As long as no other program has the terminal they end it as any program. From then on they wait:
// what is typed for that program, Ctrl-C say, is not for us, and what somebody sends to end us is looked for now and then.

import type { Caller } from '../launcher/caller.ts';

/** How often it is looked for signals, in milliseconds. */
const LOOK = 250;

export class HeldSignals {
  readonly #caller: Caller;
  #held = false;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Another program is about to get the terminal. */
  hold(): void {
    if (!this.#held) this.#caller.signals.holdTogether();
    this.#held = true;
  }

  /** How long a wait may last before it is asked for `ending`, in milliseconds; -1: for ever. */
  get patience(): number {
    return this.#held ? LOOK : -1;
  }

  /** A signal that has come and is to end us. */
  ending(): number | undefined {
    return this.#held ? this.#caller.signals.ending() : undefined;
  }
}
