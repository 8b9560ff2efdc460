// Where criu is.

import { listOf } from '../config/variables.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { findExecutable } from '../linux/files.ts';
import { NETWORK_LOCK_NFTABLES } from './messages.ts';

/** Where packages put criu, and what it calls. The PATH of a user, and of many an engine, has no sbin. */
const USUAL_PLACES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of criu: the file that the caller names (--criu), or the first in PATH or a usual place. */
export function findCriu({ env }: Pick<Caller, 'env'>, given: string | undefined): string {
  if (given !== undefined) return given;
  const found = findExecutable('criu', placesOf(env));
  if (found !== undefined) return found;
  throw new TsociError(
    'criu is not installed: checkpoint and restore need the program criu (Debian, Fedora, Arch: the package criu)',
  );
}

/** The environment of criu. */
export function criuEnvironment({ env }: Pick<Caller, 'env'>): string[] {
  return listOf({ ...env, PATH: placesOf(env).join(':') });
}

/** By what criu keeps packets from a network while it works: its own default, iptables, only where that is installed. */
export function networkLock({ env }: Pick<Caller, 'env'>): number | undefined {
  return findExecutable('iptables-restore', placesOf(env)) === undefined ? NETWORK_LOCK_NFTABLES : undefined;
}

function placesOf({ PATH = '' }: Caller['env']): string[] {
  return [...PATH.split(':').filter((place) => place.startsWith('/')), ...USUAL_PLACES];
}
