// The connection of a debugged command to its debugger, which is asked for at the first stop.

import { closeDescriptor } from '../linux/descriptor.ts';
import type { DebuggedConfig } from './debugged-config.ts';
import type { Answer, Event, MessageSocket, Request } from './protocol.ts';

export type Debugger = MessageSocket<Request, Event | Answer>;

export interface LineOptions {
  /** Waits for a debugger to come; undefined: none has. The connection is closed here. */
  meet: () => Debugger | undefined;
  /** What the debugger is told first. */
  hello: Omit<Event & { event: 'hello' }, 'event' | 'waits'>;
  /** Whether to stop before anything is done. */
  waits: boolean;
}

export class DebuggerLine {
  readonly #options: LineOptions;
  readonly #config: DebuggedConfig;
  #debugger: Debugger | undefined;
  #met = false;

  constructor(options: LineOptions, config: DebuggedConfig) {
    this.#options = options;
    this.#config = config;
  }

  /** The descriptor that tells when the debugger has gone. */
  get fd(): number | undefined {
    return this.#debugger?.fd;
  }

  /** The debugger; undefined if none has come, or it has gone. */
  meet(): Debugger | undefined {
    if (this.#met) return this.#debugger;
    this.#met = true;
    const { meet, hello, waits } = this.#options;
    this.#debugger = meet();
    this.#debugger?.send({ event: 'hello', ...hello, waits });
    this.tellConfig();
    return this.#debugger;
  }

  /** Whether it was sent to somebody. */
  send(event: Event): boolean {
    return this.#debugger?.send(event) ?? false;
  }

  receive(): Request | undefined {
    return this.#debugger?.receive();
  }

  tellConfig(): void {
    const { source } = this.#config;
    if (source) this.send({ event: 'config', ...source });
  }

  warn(message: string): void {
    this.send({ event: 'warning', message });
  }

  /** A server goes on after the command, and what is open would stay so. */
  hangUp(): void {
    if (this.#debugger) closeDescriptor(this.#debugger.fd);
    this.#debugger = undefined;
  }
}
