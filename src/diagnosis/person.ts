// Who executes a file: what credentials(7) and capabilities(7) let them do.

import { readFileSync } from 'node:fs';
import { S_IFDIR, S_IFMT } from '../linux/constants.ts';
import type { Entry } from './entry.ts';

export interface Person {
  /** Ids as the owners of files are told. Undefined where it is not known how they are mapped: then nobody is kept out. */
  readonly ids:
    | { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
    | undefined;
  /** Whether CAP_DAC_OVERRIDE is effective: permission bits keep them from executing only what nobody may. */
  readonly overrides: boolean;
}

/** linux/capability.h */
const CAP_DAC_OVERRIDE = 1n;

/** Somebody of whom nothing is known. */
export const anybody: Person = { ids: undefined, overrides: false };

/** The person that a process is now (proc_pid_status(5)). */
export function personOf(pid: number): Person {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
  // Real, effective, saved, filesystem: the last decides.
  const id = (name: string) => Number(field(name).split(/\s+/)[3]);
  const effective = BigInt(`0x${field('CapEff') || 0}`);
  return {
    ids: { uid: id('Uid'), gid: id('Gid'), groups: field('Groups').split(/\s+/).filter(Boolean).map(Number) },
    overrides: Boolean(effective & (1n << CAP_DAC_OVERRIDE)),
  };
}

/** Whether a file may be executed, or a directory be searched. */
export function mayExecute({ mode, uid, gid }: Entry, { ids, overrides }: Person): boolean {
  const isDirectory = (mode & S_IFMT) === S_IFDIR;
  if (overrides) return isDirectory || (mode & 0o111) !== 0;
  if (!ids) return isDirectory || (mode & 0o111) !== 0;
  if (ids.uid === uid) return (mode & 0o100) !== 0;
  const member = ids.gid === gid || ids.groups.includes(gid);
  return (mode & (member ? 0o010 : 0o001)) !== 0;
}

export function personName({ ids }: Person): string {
  return ids ? `user ${ids.uid}` : 'the user';
}
