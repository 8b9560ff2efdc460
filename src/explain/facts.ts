// Facts: what confines a process, by the names that config.json has for it. A running process has them, and a
// configuration has those that a process made from it would have, so both can be set side by side.

import { TsociError } from '../linux/errors.ts';

/** A text, or a set whose order means nothing. */
export type Fact = string | readonly string[];

/** By the path of a property (`process.user.uid`, `mounts["/proc"]`), or `cgroup/FILE` for a file of the cgroup. */
export type Facts = ReadonlyMap<string, Fact>;

export interface Difference {
  /** The name of the fact. */
  readonly name: string;
  /** Undefined where one side has no such fact. For sets: what the other side has not got. */
  readonly left: Fact | undefined;
  readonly right: Fact | undefined;
}

/** Every fact in which two sides differ, by name. Of sets only the elements that differ are told. */
export function compareFacts(left: Facts, right: Facts): Difference[] {
  const names = [...new Set([...left.keys(), ...right.keys()])].sort();
  return names.flatMap((name) => difference(name, left.get(name), right.get(name)) ?? []);
}

/**
 * Where a process is not what its configuration says. What the configuration leaves open is no drift, nor is an
 * attribute of a mount that confines more; a mount that it does not know is, unless it is at one of the places where a
 * runtime mounts something by itself.
 */
export function drift(expected: Facts, actual: Facts, runtimeMounts: ReadonlySet<string>): Difference[] {
  const home = homeOf(expected) === undefined ? homeOf(actual) : undefined;
  const env = actual.get('process.env');
  const found = new Map(actual);
  // Without HOME in process.env the runtime adds one.
  if (home !== undefined && Array.isArray(env)) found.set('process.env', without(env, [home]));
  return compareFacts(expected, found).filter(({ name, left, right }) => {
    if (name.endsWith('].options')) return right === undefined || (left !== undefined && left.length > 0);
    if (isMount(name))
      return right === undefined || (!expected.has(`${name}.options`) && !runtimeMounts.has(name));
    return left !== undefined && right !== undefined;
  });
}

function homeOf(facts: Facts): string | undefined {
  const env = facts.get('process.env');
  return typeof env === 'string' ? undefined : env?.find((entry) => entry.startsWith('HOME='));
}

function isMount(name: string): boolean {
  return name.startsWith('mounts[') && name.endsWith(']');
}

function difference(name: string, left: Fact | undefined, right: Fact | undefined): Difference | undefined {
  if (left === undefined || right === undefined) return { name, left, right };
  if (typeof left === 'string' || typeof right === 'string') {
    if (typeof left !== typeof right) throw new TsociError(`${name}: a text and a set cannot be compared`);
    return left === right ? undefined : { name, left, right };
  }
  const [onlyLeft, onlyRight] = [without(left, right), without(right, left)];
  return onlyLeft.length + onlyRight.length === 0 ? undefined : { name, left: onlyLeft, right: onlyRight };
}

function without(set: readonly string[], other: readonly string[]): string[] {
  const known = new Set(other);
  return set.filter((element) => !known.has(element)).sort();
}

/** Facts as JSON: sets in order. */
export function factsToJson(facts: Facts): Record<string, Fact> {
  const entries = [...facts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([name, fact]) => [name, typeof fact === 'string' ? fact : [...fact].sort()]),
  );
}

/** The key of a mount's facts. */
export function mountName(destination: string): string {
  return `mounts[${JSON.stringify(destination)}]`;
}
