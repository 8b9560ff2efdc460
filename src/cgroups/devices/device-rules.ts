// linux.resources.devices (config-linux.md#allowed-device-list): checked, completed and reduced. Pure.

import type { DeviceCgroup } from '../../config/generated/types.ts';
import { TsociError } from '../../linux/errors.ts';

export type DeviceType = 'a' | 'b' | 'c';

/** Access bits as the kernel's eBPF context has them (linux/bpf.h: BPF_DEVCG_ACC_*). */
const MKNOD = 1;
const READ = 2;
const WRITE = 4;
export const ALL_ACCESS = MKNOD | READ | WRITE;

/** A rule in the form of the kernel. An undefined number is a wildcard. */
export interface Rule {
  readonly allow: boolean;
  readonly type: DeviceType;
  readonly major: number | undefined;
  readonly minor: number | undefined;
  readonly access: number;
}

/** Rules of one kind next to each other: their order among themselves makes no difference. */
export interface Run {
  readonly allow: boolean;
  readonly rules: readonly Rule[];
}

/**
 * What decides an access, bit by bit: the first run with a rule that matches the device and names the bit; if there is
 * none, the default. The access is granted if every bit of it is.
 */
export interface Decision {
  readonly runs: readonly Run[];
  readonly allowByDefault: boolean;
}

/** The largest numbers that a dev_t holds (linux/kdev_t.h: MINORBITS 20). */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;

export function parseRules(rules: readonly DeviceCgroup[]): Rule[] {
  return rules.map((rule, i) => {
    const field = `linux.resources.devices[${i}]`;
    return {
      allow: rule.allow,
      type: parseType(rule.type, field),
      major: parseNumber(rule.major, MAX_MAJOR, `${field}.major`),
      minor: parseNumber(rule.minor, MAX_MINOR, `${field}.minor`),
      access: parseAccess(rule.access, field),
    };
  });
}

function parseType(type: string | undefined, field: string): DeviceType {
  if (type === undefined || type === '') return 'a';
  if (type === 'a' || type === 'b' || type === 'c') return type;
  throw new TsociError(`${field}.type ${JSON.stringify(type)} must be a, b or c`);
}

/** Unset and -1 mean all. */
function parseNumber(value: number | undefined, most: number, field: string): number | undefined {
  if (value === undefined || value === -1) return undefined;
  if (value >= 0 && value <= most) return value;
  throw new TsociError(`${field} ${value} must be -1 (all) or from 0 to ${most}`);
}

function parseAccess(access: string | undefined, field: string): number {
  if (access === undefined) return ALL_ACCESS;
  let bits = 0;
  for (const letter of access) {
    if (letter === 'm') bits |= MKNOD;
    else if (letter === 'r') bits |= READ;
    else if (letter === 'w') bits |= WRITE;
    else bits = Number.NaN;
  }
  if (bits > 0) return bits;
  throw new TsociError(`${field}.access ${JSON.stringify(access)} must be composed of r, w and m`);
}

function allow(
  type: DeviceType,
  major: number | undefined,
  minor: number | undefined,
  access = ALL_ACCESS,
): Rule {
  return { allow: true, type, major, minor, access };
}

/**
 * The devices that every container has (config-linux.md#default-devices), with the numbers of the kernel's
 * admin-guide/devices.txt, and mknod of whatever is not opened. As in runc and crun they come after the config's own
 * rules, so that these cannot take them away.
 */
const DEFAULT_RULES: readonly Rule[] = [
  allow('a', undefined, undefined, MKNOD),
  allow('c', 1, 3), // null
  allow('c', 1, 5), // zero
  allow('c', 1, 7), // full
  allow('c', 1, 8), // random
  allow('c', 1, 9), // urandom
  allow('c', 5, 0), // tty
  allow('c', 5, 1), // console
  allow('c', 5, 2), // ptmx
  allow('c', 136, undefined), // pts/*
];

/**
 * The decision for the rules of a config. As long as no rule says otherwise everything is denied. Later rules go before
 * earlier ones, and what can no longer matter is left out.
 */
export function decide(rules: readonly Rule[]): Decision {
  const runs: Run[] = [];
  let allowByDefault = false;
  for (const run of runsFromLast([...rules, ...DEFAULT_RULES])) {
    if (run.rules.some(isForEverything)) {
      allowByDefault = run.allow;
      break;
    }
    runs.push(run);
  }
  // Earliest rules that only repeat the default.
  while (runs.at(-1)?.allow === allowByDefault) runs.pop();
  return { runs, allowByDefault };
}

/** Whether a decision lets everything pass, so that no program is needed. */
export function allowsEverything({ runs, allowByDefault }: Decision): boolean {
  return allowByDefault && runs.length === 0;
}

function isForEverything({ type, major, minor, access }: Rule): boolean {
  return type === 'a' && major === undefined && minor === undefined && access === ALL_ACCESS;
}

function runsFromLast(rules: readonly Rule[]): Run[] {
  const runs: { allow: boolean; rules: Rule[] }[] = [];
  for (const rule of rules.toReversed()) {
    const last = runs.at(-1);
    if (last?.allow === rule.allow) last.rules.push(rule);
    else runs.push({ allow: rule.allow, rules: [rule] });
  }
  return runs.map((run) => ({ allow: run.allow, rules: reduce(run.rules) }));
}

/** The same rules with fewer: equal patterns become one with the access of all, and covered ones go. */
function reduce(rules: readonly Rule[]): Rule[] {
  const merged = mergeTypes(mergeAccess(rules));
  return merged.filter((rule) => !merged.some((other) => other !== rule && covers(other, rule)));
}

function mergeAccess(rules: readonly Rule[]): Rule[] {
  const byPattern = new Map<string, Rule>();
  for (const rule of rules) {
    const pattern = `${rule.type} ${rule.major}:${rule.minor}`;
    byPattern.set(pattern, { ...rule, access: rule.access | (byPattern.get(pattern)?.access ?? 0) });
  }
  return [...byPattern.values()];
}

/** A rule for b and the same for c are one for a. */
function mergeTypes(rules: readonly Rule[]): Rule[] {
  const twin = (rule: Rule) =>
    rules.find(
      (other) =>
        rule.type !== 'a' &&
        other.type === (rule.type === 'b' ? 'c' : 'b') &&
        other.major === rule.major &&
        other.minor === rule.minor &&
        other.access === rule.access,
    );
  return mergeAccess(rules.map((rule) => (twin(rule) ? { ...rule, type: 'a' as const } : rule)));
}

function covers(wide: Rule, narrow: Rule): boolean {
  return (
    (wide.type === 'a' || wide.type === narrow.type) &&
    (wide.major === undefined || wide.major === narrow.major) &&
    (wide.minor === undefined || wide.minor === narrow.minor) &&
    (wide.access & narrow.access) === narrow.access
  );
}
