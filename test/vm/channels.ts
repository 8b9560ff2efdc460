// Connects the guest's channels to this process: pipes for tests and commands, raw mode for a shell.

import type { Duplex, Readable, Writable } from 'node:stream';

/** In raw mode every key goes to the guest, but this one: Ctrl-] ends the machine. */
const endKey = 0x1d;

/** The size of the terminal for stty in the guest; undefined if this process is not on one. */
export function terminalSize(): string | undefined {
  const { stdin, stdout } = process;
  return stdin.isTTY && stdout.isTTY ? `rows ${stdout.rows} columns ${stdout.columns}` : undefined;
}

/** Copies the guest's output here, and `input` (if any) to the guest, end of file included. */
export function attachPipes(
  guest: { stdin: Writable; stdout: Readable; stderr: Readable },
  input: Readable | undefined,
): void {
  guest.stdout.pipe(process.stdout, { end: false });
  guest.stderr.pipe(process.stderr, { end: false });
  if (input) input.pipe(guest.stdin);
  else guest.stdin.end();
}

/** Makes this terminal the guest's; gives it back when the guest is gone. */
export function attachTerminal(guest: Duplex): void {
  const { stdin, stdout } = process;
  stdin.setRawMode(true);
  stdin.on('data', (keys: Buffer) => {
    if (keys.includes(endKey)) process.exit(1);
    guest.write(keys);
  });
  guest.pipe(stdout, { end: false });
  const release = () => {
    stdin.setRawMode(false);
    stdin.pause();
  };
  guest.on('close', release);
  process.once('exit', release);
}
