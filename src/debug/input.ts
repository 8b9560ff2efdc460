// Where commands come from: a person at a terminal, or a script.

import { readSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { POLLIN } from '../linux/constants.ts';
import { poll } from '../linux/descriptor.ts';
import { EIO } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { screenOf } from '../linux/screen.ts';
import { makeRaw } from '../linux/termios.ts';
import type { HeldSignals } from './held-signals.ts';

/** A line that was typed; the end of input (Ctrl-D, the end of a script, Ctrl-C); or what `watched` has to tell. */
export type Input = { line: string } | 'end' | 'watched';

export interface CommandInput {
  readonly terminal: boolean;
  /** The next command. Meanwhile `watched` is looked at, which has something to read when the command is gone. */
  next(prompt: string, watched: number): Promise<Input>;
}

const CHUNK = 4096;
/** How long the rest of a key may take that sends several bytes, in milliseconds: readline waits as long. */
const ESCAPE_TIMEOUT = 500;
const CTRL_C = 3;

/** Lines of a descriptor. */
export class Script implements CommandInput {
  readonly terminal = false;
  readonly #fd: number;
  readonly #signals: HeldSignals;
  readonly #decoder = new TextDecoder();
  #text = '';
  #ended = false;

  constructor(fd: number, signals: HeldSignals) {
    this.#fd = fd;
    this.#signals = signals;
  }

  async next(_prompt: string, watched: number): Promise<Input> {
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return { line };
      }
      if (this.#ended) {
        const line = this.#text;
        this.#text = '';
        return line === '' ? 'end' : { line };
      }
      const [come, gone] = pollBoth(this.#fd, watched, this.#signals.patience);
      if (!come && gone) return 'watched';
      if (this.#signals.ending() !== undefined) return 'end';
      if (!come) continue;
      const chunk = readSome(this.#fd);
      this.#text += this.#decoder.decode(chunk, { stream: true });
      this.#ended = chunk.length === 0;
    }
  }
}

/** A terminal, with editing, history and completion by readline. It is in its own modes except while a command is typed. */
export class Terminal implements CommandInput {
  readonly terminal = true;
  readonly #fd: number;
  readonly #write: (text: string) => void;
  readonly #complete: (line: string) => [string[], string];
  readonly #signals: HeldSignals;
  #history: string[] = [];

  constructor(
    fd: number,
    signals: HeldSignals,
    { write, complete }: { write: (text: string) => void; complete: (line: string) => [string[], string] },
  ) {
    this.#fd = fd;
    this.#signals = signals;
    this.#write = write;
    this.#complete = complete;
  }

  async next(prompt: string, watched: number): Promise<Input> {
    const keys = new PassThrough();
    const restore = makeRaw(this.#fd, { output: false });
    const readline = this.#open(keys, prompt);
    try {
      return await this.#read(keys, readline, watched);
    } finally {
      readline.close();
      restore();
    }
  }

  #open(input: PassThrough, prompt: string): Interface {
    const write = this.#write;
    const output = new Writable({
      write(chunk: Buffer | string, _encoding, done) {
        write(chunk.toString());
        done();
      },
    });
    // What readline asks a terminal for.
    Object.assign(output, { isTTY: true, columns: screenOf(this.#fd, {})?.columns });
    const readline = createInterface({
      input,
      output,
      prompt,
      terminal: true,
      history: this.#history,
      removeHistoryDuplicates: true,
      escapeCodeTimeout: ESCAPE_TIMEOUT,
      completer: this.#complete,
    });
    readline.on('history', (history: string[]) => {
      this.#history = [...history];
    });
    readline.prompt();
    return readline;
  }

  async #read(keys: PassThrough, readline: Interface, watched: number): Promise<Input> {
    let input: Input | undefined;
    readline.once('line', (line: string) => {
      input ??= { line };
    });
    readline.once('close', () => {
      input ??= 'end';
    });
    for (let wait = this.#signals.patience; !input; ) {
      const [come, gone] = pollBoth(this.#fd, watched, wait);
      if (this.#signals.ending() !== undefined) return 'end';
      if (!come && gone) {
        this.#write('\r\n');
        return 'watched';
      }
      if (come) {
        const chunk = readSome(this.#fd);
        if (chunk.length === 0) return 'end';
        if (chunk.includes(CTRL_C)) {
          this.#write('^C\r\n');
          return 'end';
        }
        keys.write(chunk);
      }
      wait = come ? ESCAPE_TIMEOUT : this.#signals.patience;
      // readline works in turns of the event loop.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    if (input === 'end') this.#write('\r\n');
    return input;
  }
}

function pollBoth(fd: number, watched: number, milliseconds: number): number[] {
  return poll(
    [fd, watched].map((each) => ({ fd: each, events: POLLIN })),
    milliseconds,
  );
}

/** What there is to read; nothing at the end of file, and of a terminal that is gone. */
function readSome(fd: number): Buffer {
  const chunk = Buffer.alloc(CHUNK);
  try {
    return chunk.subarray(0, readSync(fd, chunk));
  } catch (error) {
    if (errnoOf(error) === EIO) return chunk.subarray(0, 0);
    throw TsociError.from('read commands', error);
  }
}
