// What a command has left open in the worker that served it.

import { readdirSync, readlinkSync } from 'node:fs';

const OPEN = '/proc/self/fd';

/** What the process opens once and keeps: the engine when it first needs it, and the sealed image of the stub. */
const kept = /^anon_inode:\[?(eventpoll|eventfd|timerfd|inotify)\]?$|^\/memfd:tsoci-init /;

/** Tells what is open that was not at the time of the last look. */
export class Leftovers {
  #count = 0;
  #known = new Map<string, string>();

  constructor() {
    this.find();
  }

  /** New descriptors, each with what it is. */
  find(): string[] {
    const open = readdirSync(OPEN);
    // Where there are as many as before they are the same: each that is opened has the lowest number that is free.
    if (open.length === this.#count) return [];
    this.#count = open.length;
    const before = this.#known;
    this.#known = new Map(open.flatMap(described));
    return [...this.#known]
      .filter(([fd, what]) => before.get(fd) !== what && !kept.test(what))
      .map(([fd, what]) => `${fd} (${what})`);
  }
}

/** Not that by which the directory was read. */
function described(fd: string): [fd: string, what: string][] {
  try {
    return [[fd, readlinkSync(`${OPEN}/${fd}`)]];
  } catch {
    return [];
  }
}
