// A terminal for tests to type on and to read from (pty(7)).

import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { O_CLOEXEC, O_NOCTTY, O_RDWR, TCGETS, TIOCGPTPEER, TIOCSPTLCK } from '../../src/linux/constants.ts';
import { check } from '../../src/linux/descriptor.ts';

export class Pseudoterminal {
  /** The side of programs. */
  readonly slave: number;
  readonly #master: number;
  readonly #screen: ReadStream;
  #shown = '';

  constructor() {
    this.#master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
    check('unlock', 'ioctl', this.#master, TIOCSPTLCK, new Uint8Array(4));
    this.slave = check('open', 'ioctl', this.#master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    this.#screen = new ReadStream(this.#master);
    this.#screen.on('data', (data: Buffer) => {
      this.#shown += data.toString();
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

  close(): void {
    closeSync(this.slave);
    this.#screen.destroy();
  }
}
