// Which characters of the sources an input reaches, as V8 counts (Profiler of the DevTools protocol).

import { Session } from 'node:inspector';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../scripts/repository.ts';

const sources = pathToFileURL(join(root, 'src')).href;

export class Coverage implements Disposable {
  readonly #session = new Session();
  /** By script: whether a character was reached. */
  readonly #reached = new Map<string, Uint8Array>();

  /** Begins to count. */
  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** How many characters were reached since the last call that never were before. */
  more(): number {
    let more = 0;
    this.#session.post('Profiler.takePreciseCoverage', (_, { result }) => {
      for (const { url, functions } of result) {
        if (!url.startsWith(sources)) continue;
        const last = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
        const now = new Uint8Array(last);
        // An inner range follows the one that it is in.
        for (const { ranges } of functions)
          for (const { startOffset, endOffset, count } of ranges)
            now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        more += this.#add(url, now);
      }
    });
    return more;
  }

  #add(url: string, now: Uint8Array): number {
    const known = this.#reached.get(url);
    const all = known && known.length >= now.length ? known : new Uint8Array(now.length);
    if (known && all !== known) all.set(known);
    let more = 0;
    now.forEach((reached, at) => {
      if (reached && !all[at]) {
        all[at] = 1;
        more++;
      }
    });
    this.#reached.set(url, all);
    return more;
  }
}
