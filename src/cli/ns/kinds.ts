// The kinds of namespaces as options of `tsoci ns`: called by the files in /proc/PID/ns, and mount as in config.json, too.

import type { Caller } from '../../launcher/caller.ts';
import type { WantedNamespaces } from '../../namespaces/make.ts';
import { allTypes, type NamespaceType, namespaceTypes } from '../../namespaces/namespace-plan.ts';
import { mappingsFor, userChoices } from '../../namespaces/user-choice.ts';
import { type Option, UsageError, type Values } from '../options.ts';

export const KINDS = [
  { long: 'mnt', kind: 'flag', help: 'the mount namespace; to enter it is to enter the root directory, too' },
  { long: 'mount', kind: 'flag', help: 'the same' },
  { long: 'net', kind: 'flag', help: 'the network namespace' },
  {
    long: 'pid',
    kind: 'flag',
    help: 'the pid namespace; run: with a mount namespace, for a /proc of its own',
  },
  { long: 'uts', kind: 'flag', help: 'the uts namespace' },
  { long: 'ipc', kind: 'flag', help: 'the ipc namespace' },
  {
    long: 'user',
    kind: 'string',
    placeholder: 'WHO',
    bare: 'auto',
    choices: userChoices,
    help: 'the user namespace; a new one has the caller as root with the ids that /etc/subuid gives (auto) or without (root), or as who he is (keep)',
  },
  { long: 'cgroup', kind: 'flag', help: 'the cgroup namespace' },
  {
    long: 'time',
    kind: 'string',
    placeholder: 'OFFSET',
    bare: '0',
    help: 'the time namespace; in a new one the clocks monotonic and boottime go that much ahead: +1d, 90m, -30s',
  },
] as const satisfies readonly Option[];

type KindValues = Values<typeof KINDS>;

export function chosenTypes(values: KindValues): NamespaceType[] {
  return allTypes.filter(
    (type) =>
      (type === 'mount' && values.mount) ||
      ![undefined, false].includes(values[namespaceTypes[type].file as keyof KindValues] as undefined),
  );
}

/** New namespaces as the options want them. */
export function wantedNamespaces(caller: Caller, values: KindValues): Omit<WantedNamespaces, 'join'> {
  return {
    create: new Set(chosenTypes(values)),
    mappings: mappingsFor(values.user ?? 'auto', caller),
    offset: secondsOf(values.time ?? '0'),
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `+1d` in seconds. */
function secondsOf(text: string): number {
  const [, sign, digits, unit = 's'] = /^([+-]?)(\d+)([smhd]?)$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNITS[unit || 's'] ?? 1);
  if (!Number.isSafeInteger(seconds))
    throw new UsageError(`option --time: "${text}" is no time such as +1d, 90m or -30s`);
  return sign === '-' ? -seconds : seconds;
}
