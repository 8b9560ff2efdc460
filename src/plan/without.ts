// A configuration without what does not work, so that the next thing can be looked for.

import type { Config } from '../config/generated/types.ts';
import { unescapePointer } from '../config/json-scan.ts';

type Json = Record<string, unknown> | unknown[];

export class ConfigWithout {
  readonly config: Config;
  /** Of each array that has lost entries: the places in the text of those that are left. */
  readonly #left = new Map<string, number[]>();

  constructor(config: Config) {
    this.config = structuredClone(config);
  }

  /** The JSON pointer in the text of what has a pointer here. */
  original(pointer: string): string {
    let here = '';
    let there = '';
    for (const part of pointer.split('/').slice(1)) {
      there += `/${this.#left.get(here)?.[Number(part)] ?? part}`;
      here += `/${part}`;
    }
    return there;
  }

  /** Takes out what is at a pointer, or what it is a part of. False where a container without it would be another. */
  remove(pointer: string): boolean {
    const parts = pointer.split('/').slice(1).map(unescapePointer);
    const [first, second] = parts;
    if (first === 'root') return false;
    const { process } = this.config;
    if (first === 'process' && second === 'cwd' && process && process.cwd !== '/') {
      process.cwd = '/';
      return true;
    }
    // A process without its program would not be executed.
    if (first === 'process' && second === 'args') parts.splice(1);
    for (let end = parts.length; end > 0; end--) {
      const holder = this.#at(parts.slice(0, end - 1));
      if (holder && this.#take(holder, parts.slice(0, end - 1), parts[end - 1] ?? '')) return true;
    }
    return false;
  }

  #at(parts: readonly string[]): Json | undefined {
    let value: unknown = this.config;
    for (const part of parts) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = (value as Record<string, unknown>)[part];
    }
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  }

  #take(holder: Json, path: readonly string[], name: string): boolean {
    if (!Object.hasOwn(holder, name)) return false;
    if (Array.isArray(holder)) {
      const key = ['', ...path].join('/');
      const left = this.#left.get(key) ?? holder.map((_, i) => i);
      left.splice(Number(name), 1);
      this.#left.set(key, left);
      holder.splice(Number(name), 1);
    } else delete holder[name];
    return true;
  }
}
