// A process of its own that exchanges names as fast as the kernel does it (renameat2(2)), until its parent ends. It is given
// the pairs as JSON, and tells when it is at work.

import { openSync } from 'node:fs';
import { O_DIRECTORY, O_PATH } from '../../src/linux/constants.ts';
import { EBUSY, ENOENT } from '../../src/linux/errno.ts';
import { TsociError } from '../../src/linux/errors.ts';
import { cString, syscall } from '../../src/linux/ffi.ts';
import { pause } from '../../src/linux/sleep.ts';

/** Two names of one directory. */
export interface Pair {
  directory: string;
  names: readonly [string, string];
}

const RENAMEAT2 = process.arch === 'arm64' ? 276 : 316;
/** linux/fs.h */
const RENAME_EXCHANGE = 2;
/** How often a pair is exchanged there and back before it is another's turn, at most. */
const BURST = 32;
/** How often it rests for some milliseconds at most, when all is in its place: containers are to be created, too. */
const RESTS = 0.05;
const REST = 4;

const pairs: Pair[] = JSON.parse(process.argv[2] ?? '[]');
// By descriptor: the directories are exchanged themselves.
const opened = pairs.map(({ directory, names: [one, other] }) => ({
  fd: openSync(directory, O_PATH | O_DIRECTORY),
  one: cString(one),
  other: cString(other),
}));
const parent = process.ppid;
console.log('at work');
while (process.ppid === parent) {
  const pair = opened[Math.floor(Math.random() * opened.length)];
  if (pair) exchange(pair, 2 * (1 + Math.floor(Math.random() * BURST)));
  if (Math.random() < RESTS) pause(Math.random() * REST);
}

function exchange({ fd, one, other }: (typeof opened)[number], times: number): void {
  for (let i = 0; i < times; i++) {
    const result = syscall(RENAMEAT2, fd, one, fd, other, RENAME_EXCHANGE);
    // A container may have mounted there, or unlinked it.
    if (result < 0 && result !== -ENOENT && result !== -EBUSY)
      throw TsociError.fromErrno('exchange two names', -result);
  }
}
