// The credentials of a planned process, as its calls would leave them.

import { anybody, type Person } from '../diagnosis/person.ts';
import type { Memory } from '../trace/stub-memory.ts';

/** linux/capability.h */
const CAP_DAC_OVERRIDE = 1;

export class PlannedPerson {
  #uid: number;
  #gid: number;
  #groups: readonly number[] = [];
  #overrides: boolean;

  constructor({ uid, gid }: { uid: number; gid: number }) {
    this.#uid = uid;
    this.#gid = gid;
    this.#overrides = uid === 0;
  }

  /** That of a child. */
  copy(): PlannedPerson {
    const child = new PlannedPerson({ uid: this.#uid, gid: this.#gid });
    child.#groups = this.#groups;
    child.#overrides = this.#overrides;
    return child;
  }

  setUser(uid: number): void {
    // credentials(7): what is effective goes with the user 0. capset(2) may give it back.
    if (this.#uid === 0 && uid !== 0) this.#overrides = false;
    this.#uid = uid;
  }

  setGroup(gid: number): void {
    this.#gid = gid;
  }

  /** setgroups(2). */
  setGroups(count: number, address: bigint, memory: Memory): void {
    const list = memory.read(address, 4 * count) ?? Buffer.alloc(0);
    this.#groups = Array.from({ length: list.length >> 2 }, (_, i) => list.readUInt32LE(4 * i));
  }

  /** capset(2): the effective set comes first. */
  setCapabilities(address: bigint, memory: Memory): void {
    const effective = memory.read(address, 4)?.readUInt32LE() ?? 0;
    this.#overrides = (effective & (1 << CAP_DAC_OVERRIDE)) !== 0;
  }

  /** In a user namespace of their own the ids are not those that own the files. */
  person(ownUsers: boolean): Person {
    if (ownUsers) return anybody;
    return { ids: { uid: this.#uid, gid: this.#gid, groups: this.#groups }, overrides: this.#overrides };
  }
}
