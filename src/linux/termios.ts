// Modes of terminals (termios(3)).

import { TCGETS, TCSETS, TIOCGWINSZ, TIOCSWINSZ } from './constants.ts';
import { check } from './descriptor.ts';
import { syscall } from './ffi.ts';
import { SYS } from './syscalls.ts';

/** struct termios of asm-generic/termbits.h: four words of flags, the line discipline, 19 control characters. */
const SIZE = 36;
const [IFLAG, OFLAG, CFLAG, LFLAG, CC] = [0, 4, 8, 12, 17];
/** Places of control characters. */
const [VEOF, VTIME, VMIN] = [4, 5, 6];

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
const ONLCR = 0o4;
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

/** The character that ends input, ^D by default. The master of a terminal has the modes of its other side. */
export function endOfFile(master: number): number {
  return getModes(master)[CC + VEOF] ?? 0;
}

/**
 * Has a terminal pass on what is typed as it is, a byte at a time, and with `output` what is written to it too; the result
 * puts its modes back. Node's raw mode goes on to make CR LF of a line feed.
 */
export function makeRaw(fd: number, { output }: { output: boolean }): () => void {
  const before = getModes(fd);
  const raw = Buffer.from(before);
  for (const [offset, flags] of cooked) if (offset !== OFLAG || output) clear(raw, offset, flags);
  raw.writeUInt32LE((raw.readUInt32LE(CFLAG) | CS8) >>> 0, CFLAG);
  raw[CC + VMIN] = 1;
  raw[CC + VTIME] = 0;
  setModes(fd, raw);
  // By then it may be gone.
  return () => void syscall(SYS.ioctl, fd, TCSETS, before);
}

/** Has a terminal show a line feed as it is, and not as CR LF. */
export function keepLineFeeds(fd: number): void {
  const modes = getModes(fd);
  clear(modes, OFLAG, ONLCR);
  setModes(fd, modes);
}

/** Gives a terminal the size of the first that is one; one without a size leaves it as it is. */
export function copyWindowSize(from: readonly number[], to: number): void {
  for (const fd of from) {
    const winsize = windowSize(fd);
    if (!winsize) continue;
    if (winsize.readUInt32LE(0) !== 0) syscall(SYS.ioctl, to, TIOCSWINSZ, winsize);
    return;
  }
}

/** How wide a terminal is; 0 where it does not know, or is none. */
export function windowColumns(fd: number): number {
  return windowSize(fd)?.readUInt16LE(2) ?? 0;
}

/** struct winsize of ioctl_tty(2): rows, columns, and two more. */
function windowSize(fd: number): Buffer | undefined {
  const winsize = Buffer.alloc(8);
  return syscall(SYS.ioctl, fd, TIOCGWINSZ, winsize) === 0 ? winsize : undefined;
}

function clear(modes: Buffer, offset: number, flags: number): void {
  modes.writeUInt32LE((modes.readUInt32LE(offset) & ~flags) >>> 0, offset);
}

function getModes(fd: number): Buffer {
  const modes = Buffer.alloc(SIZE);
  check('get the modes of the terminal', 'ioctl', fd, TCGETS, modes);
  return modes;
}

function setModes(fd: number, modes: Uint8Array): void {
  check('set the modes of the terminal', 'ioctl', fd, TCSETS, modes);
}
