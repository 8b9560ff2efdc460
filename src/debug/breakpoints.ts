// Where it is to stop.

import { TsociError } from '../linux/errors.ts';
import type { Operation } from './protocol.ts';
import { matches, parseWhere, showWhere, type Where } from './where.ts';

interface Breakpoint {
  id: number;
  where: Where;
  hits: number;
  /** Whether the operation before was meant, too: it stops where a property begins, not at each call of it. */
  within: boolean;
}

export class Breakpoints {
  /** At a failure it stops unless that was taken away. */
  #all: Breakpoint[] = [{ id: 1, where: { kind: 'error' }, hits: 0, within: false }];
  #next = 2;

  /** @throws TsociError for what is no place to stop at */
  add(text: string): { id: number; where: Where } {
    const where = parseWhere(text);
    const same = this.#all.find((known) => showWhere(known.where) === showWhere(where));
    if (same) return same;
    const added = { id: this.#next++, where, hits: 0, within: false };
    this.#all.push(added);
    return added;
  }

  /** Deletes those numbers, or all. The result are those that were there. */
  delete(ids: readonly number[]): number[] {
    const unknown = ids.find((id) => !this.#all.some((known) => known.id === id));
    if (unknown !== undefined) throw new TsociError(`there is no breakpoint ${unknown}`);
    const gone = this.#all.filter(({ id }) => ids.length === 0 || ids.includes(id));
    this.#all = this.#all.filter((known) => !gone.includes(known));
    return gone.map(({ id }) => id);
  }

  list(): { id: number; where: string; hits: number }[] {
    return this.#all.map(({ id, where, hits }) => ({ id, where: showWhere(where), hits }));
  }

  /** Whether it stops at a failure. */
  atErrors(): boolean {
    return this.#all.some(({ where }) => where.kind === 'error');
  }

  /** The numbers of those that stop before an operation, which is about to be executed. */
  hit(operation: Operation): number[] {
    const found: number[] = [];
    for (const breakpoint of this.#all) {
      const meant = matches(breakpoint.where, operation);
      const enters = meant && !(breakpoint.within && breakpoint.where.kind === 'property');
      breakpoint.within = meant;
      if (!enters) continue;
      breakpoint.hits++;
      found.push(breakpoint.id);
    }
    return found;
  }
}
