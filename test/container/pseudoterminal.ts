// A terminal for tests to type on and to read from (pty(7)).

import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import {
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  TCGETS,
  TIOCGPTPEER,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from '../../src/linux/constants.ts';
import { check, makeNonBlocking } from '../../src/linux/descriptor.ts';
import { syscall } from '../../src/linux/ffi.ts';
import { SYS } from '../../src/linux/syscalls.ts';
import type { Sandbox } from './harness.ts';

/** Its two sides, for programs and for whoever types. */
function open(): { master: number; slave: number } {
  const master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
  check('unlock', 'ioctl', master, TIOCSPTLCK, new Uint8Array(4));
  return { master, slave: check('open', 'ioctl', master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC) };
}

/** Meanwhile the standard input of the sandbox's commands is a terminal, on which nobody types. */
export function onTerminal<T>(box: Sandbox, use: () => T): T {
  const { master, slave } = open();
  box.stdin = slave;
  try {
    return use();
  } finally {
    box.stdin = 'ignore';
    for (const fd of [slave, master]) closeSync(fd);
  }
}

export class Pseudoterminal {
  /** The side of programs. */
  readonly slave: number;
  readonly #master: number;
  readonly #screen: ReadStream;
  #shown = '';

  constructor() {
    const { master, slave } = open();
    this.slave = slave;
    this.#master = master;
    makeNonBlocking(master);
    this.#screen = new ReadStream(master);
    // A character may come in two parts.
    this.#screen.setEncoding('utf8');
    this.#screen.on('data', (text: string) => {
      this.#shown += text;
    });
    this.#screen.on('error', () => {});
  }

  /** All that was written so far. */
  get shown(): string {
    return this.#shown;
  }

  /** What stty(1) shows, in the kernel's form. */
  modes(): string {
    const modes = Buffer.alloc(36);
    check('get modes', 'ioctl', this.slave, TCGETS, modes);
    return modes.toString('hex');
  }

  resize(rows: number, columns: number): void {
    const winsize = Buffer.alloc(8);
    winsize.writeUInt16LE(rows, 0);
    winsize.writeUInt16LE(columns, 2);
    check('resize', 'ioctl', this.#master, TIOCSWINSZ, winsize);
  }

  /** Types it as fast as it is read. */
  async type(text: string): Promise<void> {
    for (let rest = Buffer.from(text); rest.length > 0; ) {
      const taken = syscall(SYS.write, this.#master, rest, rest.length);
      rest = rest.subarray(Math.max(0, taken));
      if (taken < 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Writes as a program does that has the terminal open. */
  print(text: string): void {
    check('print', 'write', this.slave, Buffer.from(text), text.length);
  }

  /** The end of an emulator: programs that have the terminal open get no more from it. */
  hangUp(): void {
    this.#screen.destroy();
  }

  close(): void {
    closeSync(this.slave);
    this.hangUp();
  }
}
