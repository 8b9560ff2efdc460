// What `--trace=WHAT,…` lets through: calls by the property that wants them, by a room of src/ whose properties those are, by
// the process that executes them, or by their names.

import { Config, OtherPlatform, type Outline } from '../config/generated/outline.ts';
import { nearest } from '../config/nearest.ts';
import { isWithin } from '../config/places.ts';
import { TsociError } from '../linux/errors.ts';
import type { Executor } from '../stub/observer.ts';
import type { Operation } from '../stub/program.ts';
import { calls } from './calls.ts';

/** Whether a call is to be shown. */
export type Filter = (executor: Pick<Executor, 'role'>, operation: Operation) => boolean;

/** The properties that each room applies, `linux` and `process` being more than one room's. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  namespaces: [
    ...['hostname', 'domainname', 'linux.namespaces'],
    ...['linux.uidMappings', 'linux.gidMappings', 'linux.timeOffsets'],
  ],
  rootfs: [
    ...['root', 'mounts', 'annotations', 'linux.devices', 'linux.maskedPaths', 'linux.readonlyPaths'],
    ...[
      'linux.rootfsPropagation',
      'linux.mountLabel',
      'linux.sysctl',
      'process.terminal',
      'process.consoleSize',
    ],
  ],
  cgroups: ['linux.cgroupsPath', 'linux.resources'],
  security: [
    ...['process.user', 'process.capabilities', 'process.noNewPrivileges', 'process.rlimits'],
    ...['process.apparmorProfile', 'process.selinuxLabel', 'process.oomScoreAdj', 'process.scheduler'],
    ...['process.ioPriority', 'process.execCPUAffinity', 'linux.seccomp', 'linux.personality'],
    ...['linux.memoryPolicy', 'linux.intelRdt'],
  ],
  network: ['linux.netDevices'],
};

/** What processes are for, as `StubProcess` has it. */
const roles = [
  'boot',
  'init',
  'exec',
  'hook',
  'command',
  'trees',
  'idmap',
  'mappings',
  'pin',
  'holder',
  'worker',
];

/** A filter of words, given to `option`, of which one has to fit. */
export function parseFilter(option: string, words: readonly string[]): Filter {
  const tests = words.map((word) => parseWord(option, word));
  return (executor, operation) => tests.some((test) => test(executor, operation));
}

function parseWord(option: string, word: string): Filter {
  const properties = rooms[word] ?? propertiesCalled(word);
  if (properties.length > 0)
    return (_, { property }) =>
      property !== undefined && properties.some((wanted) => isWithin(property, wanted));
  if (roles.includes(word)) return ({ role }) => role === word;
  if (Object.hasOwn(calls, word)) return (_, { call }) => call === word;
  throw unknownWord(option, word);
}

/** `seccomp` and `linux.seccomp` are the same; so are `mounts[2]` and all that is in it. */
function propertiesCalled(word: string): string[] {
  const [stem = ''] = word.split('[', 1);
  const known = propertyNames.find((name) => name === stem || name.endsWith(`.${stem}`));
  return known === undefined ? [] : [known + word.slice(stem.length)];
}

/** Names of properties two levels deep, which no property that is an array or a map goes beyond. */
const propertyNames: readonly string[] = [
  ...namesIn(Config),
  ...['process', 'linux', 'root', 'hooks'].flatMap((name) =>
    namesIn(Config.properties?.[name]).map((below) => `${name}.${below}`),
  ),
];

function namesIn(outline: Outline | undefined): string[] {
  const properties = Object.entries(outline?.properties ?? {});
  return properties.filter(([, { spec }]) => spec !== OtherPlatform.spec).map(([name]) => name);
}

function unknownWord(option: string, word: string): TsociError {
  const kinds = {
    rooms: Object.keys(rooms),
    processes: roles,
    properties: propertyNames,
    'system calls': Object.keys(calls),
  };
  const match = nearest(word, Object.values(kinds).flat());
  const lists = Object.entries(kinds).map(([kind, names]) => `${kind} ${names.join(' ')}`);
  const hint = match ? `did you mean ${match}? ` : '';
  return new TsociError(
    `option ${option}: no call is of "${word}"; ${hint}known are the ${lists.join('; the ')}`,
  );
}
