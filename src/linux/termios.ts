// Modes of terminals (termios(3)).

import { TCGETS, TCSETS } from './constants.ts';
import { check } from './descriptor.ts';
import { syscall } from './ffi.ts';
import { SYS } from './syscalls.ts';

/** struct termios of asm-generic/termbits.h: four words of flags, the line discipline, 19 control characters. */
const SIZE = 36;
const [IFLAG, OFLAG, CFLAG, LFLAG] = [0, 4, 8, 12];

// asm-generic/termbits.h and asm-generic/termbits-common.h
const IGNBRK = 0o1;
const BRKINT = 0o2;
const PARMRK = 0o10;
const ISTRIP = 0o40;
const INLCR = 0o100;
const IGNCR = 0o200;
const ICRNL = 0o400;
const IXON = 0o2000;
const OPOST = 0o1;
const CSIZE = 0o60;
const CS8 = 0o60;
const PARENB = 0o400;
const ISIG = 0o1;
const ICANON = 0o2;
const ECHO = 0o10;
const ECHONL = 0o100;
const IEXTEN = 0o100000;

/** Flags to clear, by their place in the structure (cfmakeraw(3)). */
const cooked: readonly (readonly [offset: number, flags: number])[] = [
  [IFLAG, IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON],
  [OFLAG, OPOST],
  [CFLAG, CSIZE | PARENB],
  [LFLAG, ECHO | ECHONL | ICANON | ISIG | IEXTEN],
];

export function isTerminal(fd: number): boolean {
  return syscall(SYS.ioctl, fd, TCGETS, new Uint8Array(SIZE)) === 0;
}

/**
 * Has a terminal pass everything on as it is, in both directions; the result puts its modes back. Node's raw mode goes
 * on to make CR LF of a line feed.
 */
export function makeRaw(fd: number): () => void {
  const before = Buffer.alloc(SIZE);
  check('get the modes of the terminal', 'ioctl', fd, TCGETS, before);
  const raw = Buffer.from(before);
  for (const [offset, flags] of cooked) raw.writeUInt32LE((raw.readUInt32LE(offset) & ~flags) >>> 0, offset);
  raw.writeUInt32LE((raw.readUInt32LE(CFLAG) | CS8) >>> 0, CFLAG);
  setModes(fd, raw);
  return () => setModes(fd, before);
}

function setModes(fd: number, modes: Uint8Array): void {
  check('set the modes of the terminal', 'ioctl', fd, TCSETS, modes);
}
