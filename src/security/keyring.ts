// A session keyring of the container's own, so that it neither reads nor fills the caller's (session-keyring(7)).

import { KEY_SPEC_SESSION_KEYRING, KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_SETPERM } from '../linux/constants.ts';
import { EDQUOT, ENOSYS } from '../linux/errno.ts';
import type { Program } from '../stub/program.ts';

/** linux/key.h: what a keyring made by KEYCTL_JOIN_SESSION_KEYRING allows its possessor and its user. */
const KEY_POS_ALL = 0x3f000000;
const KEY_USR_VIEW_READ_LINK = 0x00130000;
const KEY_USR_SEARCH = 0x00080000;
const KEY_OTH_SEARCH = 0x00000008;

/** A kernel without CONFIG_KEYS has no keyring that could leak. */
const ignored = [ENOSYS];

function hint(errno: number): string | undefined {
  if (errno !== EDQUOT) return undefined;
  return 'its user has as many keys as it may: sysctl kernel.keys.maxkeys and maxbytes, or --no-new-keyring';
}

/**
 * A new session keyring `_ses.ID` for the container's init. It may be searched by the user that made it, so that
 * `exec` can join it by name; in a user namespace that is another user than the one in there, so by all.
 */
export function createSessionKeyring(program: Program, id: string, userNamespace: boolean): void {
  joinSessionKeyring(program, id);
  const permissions =
    KEY_POS_ALL | KEY_USR_VIEW_READ_LINK | (userNamespace ? KEY_OTH_SEARCH : KEY_USR_SEARCH);
  const args = [KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, permissions];
  program.call('keyctl', args, `set permissions of session keyring _ses.${id}`, { ignored });
}

/** The container's session keyring, for a process that `exec` brings in. */
export function joinSessionKeyring(program: Program, id: string): void {
  const name = `_ses.${id}`;
  program.call('keyctl', [KEYCTL_JOIN_SESSION_KEYRING, name], `join session keyring ${name}`, {
    ignored,
    hint,
  });
}
