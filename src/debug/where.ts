// Where to stop: what a person writes, and which operations are meant by it.

import { nameOf } from '../config/finding.ts';
import { Config, type Outline } from '../config/generated/outline.ts';
import { scanJson } from '../config/json-scan.ts';
import { nearest } from '../config/nearest.ts';
import { isWithin, pointerOf } from '../config/places.ts';
import { TsociError } from '../linux/errors.ts';
import { type Phase, phases } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import type { Operation } from './protocol.ts';

/** A failure, a step of the life cycle, a system call, or a property of config.json. */
export type Where =
  | { kind: 'error' }
  | { kind: 'phase'; phase: Phase }
  | { kind: 'call'; call: string }
  | { kind: 'property'; property: string };

/** What else has a name, for a person who presses the tabulator. */
export const stepNames: readonly string[] = ['error', ...phases];

/** Which calls apply a part of a mount: an operation is marked with the mount as a whole. */
const partsOfMounts: Readonly<Record<string, readonly string[]>> = {
  destination: ['openat2', 'mkdirat', 'mknodat', 'move_mount'],
  type: ['fsopen'],
  source: ['open_tree', 'fsconfig'],
  options: ['fsconfig', 'fsmount', 'mount_setattr', 'fspick', 'open_tree'],
  uidMappings: ['mount_setattr'],
  gidMappings: ['mount_setattr'],
};

/** @throws TsociError for what is no place to stop at */
export function parseWhere(text: string): Where {
  const word = text.trim();
  if (word === 'error') return { kind: 'error' };
  const phase = phases.find((name) => name === word);
  if (phase) return { kind: 'phase', phase };
  if (Object.hasOwn(SYS, word)) return { kind: 'call', call: word };
  return { kind: 'property', property: checkProperty(word) };
}

export function showWhere(where: Where): string {
  switch (where.kind) {
    case 'error':
      return 'error';
    case 'phase':
      return where.phase;
    case 'call':
      return where.call;
    case 'property':
      return where.property;
  }
}

/** A property in the form of errors and traces, if the specification knows it. */
function checkProperty(word: string): string {
  const pointer = pointerOf(word.replace(/^\//, '').replaceAll('/', '.'));
  const parts = pointer.split('/').slice(1);
  let outline: Outline = Config;
  for (const part of parts) {
    const { properties, values } = outline;
    const next = (properties && Object.hasOwn(properties, part) ? properties[part] : undefined) ?? values;
    if (!next) {
      const known = properties ? Object.keys(properties) : [];
      const others = outline === Config ? [...Object.keys(SYS), ...stepNames] : [];
      const guess = nearest(part, known) ?? nearest(part, others);
      const hint = guess ? `did you mean ${guess}?` : 'it is no property, system call or step (help break)';
      throw new TsociError(`${word}: ${hint}`);
    }
    outline = next;
  }
  if (parts.length === 0) throw new TsociError('break: where? (help break)');
  return nameOf(pointer);
}

/** Whether it stops before an operation. That of an error is another question. */
export function matches(where: Where, { call, property, phase }: Operation): boolean {
  switch (where.kind) {
    case 'error':
      return false;
    case 'phase':
      return phase === where.phase;
    case 'call':
      return call === where.call;
    case 'property':
      return property !== undefined && isFor(where.property, property, call);
  }
}

/**
 * Whether an operation that a property wants is for `wanted`: for a part of it, or for what holds it and is applied as a
 * whole.
 */
function isFor(wanted: string, property: string, call: string | undefined): boolean {
  if (isWithin(property, wanted)) return true;
  if (!isWithin(wanted, property)) return false;
  const [, part] = /^mounts\[\d+\]\.(\w+)/.exec(wanted) ?? [];
  const calls = part === undefined ? undefined : partsOfMounts[part];
  return calls ? call !== undefined && calls.includes(call) : true;
}

/** The names of all values of a config, for a person who presses the tabulator. */
export function propertiesIn(text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    return [...scanJson(text).keys()].filter((pointer) => pointer !== '').map(nameOf);
  } catch {
    return [];
  }
}
