// Who the container's process is: bounding set, groups, user, capabilities (credentials(7), capabilities(7)).

import {
  _LINUX_CAPABILITY_VERSION_3,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  PR_SET_KEEPCAPS,
  PR_SET_NO_NEW_PRIVS,
} from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import type { Program } from '../stub/program.ts';
import { type CapabilityPlan, capabilityName, maskOf, numbersIn } from './capabilities.ts';

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[] | undefined;
  readonly umask?: number | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  readonly capabilities: CapabilityPlan;
  /**
   * False in a user namespace whose /proc/PID/setgroups says deny (user_namespaces(7)): the groups stay what the
   * caller has, and additionalGids are an error.
   */
  readonly setgroups?: boolean;
  /**
   * A seccomp filter follows. Without no_new_privs installing one takes CAP_SYS_ADMIN (seccomp(2)): it stays
   * permitted and effective up to execve(2), which forgets both sets (see docs/security-design.md).
   */
  readonly seccomp?: boolean;
}

/** capget(2): the header and two halves of effective, permitted, inheritable. */
const CAPABILITY_DATA_SIZE = 24;

/** config.md#linux-process: from here on execve(2) grants nothing. */
export function setNoNewPrivileges(program: Program): void {
  program.call('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0], 'set no_new_privs');
}

/** Drops what the new bounding set has not. Takes CAP_SETPCAP: do it while it is effective. */
function dropBounding(program: Program, { sets, held }: CapabilityPlan): void {
  for (const number of numbersIn(held.bounding & ~sets.bounding)) {
    const doing = `drop ${capabilityName(number)} from the bounding set`;
    program.call('prctl', [PR_CAPBSET_DROP, number, 0, 0, 0], doing);
  }
}

/**
 * Everything that makes the process the user of the config, in the only order that works: what takes privilege
 * first, then the user, then the capabilities. Only installFilter and execve may follow.
 */
export function setCredentials(program: Program, credentials: Credentials): void {
  const { uid, gid, umask, noNewPrivileges, capabilities } = credentials;
  program.property = 'process.noNewPrivileges';
  if (noNewPrivileges) setNoNewPrivileges(program);
  program.property = 'process.capabilities';
  dropBounding(program, capabilities);
  // A change from root to another user would clear the permitted set (capabilities(7), SECBIT_KEEP_CAPS).
  program.call('prctl', [PR_SET_KEEPCAPS, 1, 0, 0, 0], 'keep capabilities');
  program.property = 'process.user';
  setGroups(program, credentials);
  program.call('setresgid', [gid, gid, gid], `become group ${gid}, which the user namespace must have`);
  program.call('setresuid', [uid, uid, uid], `become user ${uid}, which the user namespace must have`);
  program.property = 'process.capabilities';
  setCapabilities(program, capabilities, needsSysAdmin(credentials));
  program.call('prctl', [PR_SET_KEEPCAPS, 0, 0, 0, 0], 'no longer keep capabilities');
  program.property = 'process.user.umask';
  if (umask !== undefined) program.call('umask', [umask], 'set umask');
  program.property = undefined;
}

/** setgroups(2), with no groups too: those of the caller are not the container's. */
function setGroups(program: Program, { additionalGids = [], setgroups = true }: Credentials): void {
  if (setgroups) {
    const gids = new Uint8Array(Uint32Array.from(additionalGids).buffer);
    const doing = `set groups ${additionalGids.join(', ')}, which the user namespace must have`;
    const args = [additionalGids.length, gids];
    program.call('setgroups', args, additionalGids.length > 0 ? doing : 'give up groups');
  } else if (additionalGids.length > 0) {
    throw new TsociError(
      `set groups ${additionalGids.join(', ')}: not possible in a user namespace that denies setgroups; ` +
        'map the groups with newgidmap, or leave process.user.additionalGids empty',
    );
  }
}

function needsSysAdmin({ seccomp, noNewPrivileges, capabilities }: Credentials): boolean {
  if (!seccomp || noNewPrivileges) return false;
  if (!(capabilities.held.permitted & maskOf('CAP_SYS_ADMIN'))) {
    throw new TsociError(
      'install the seccomp filter: the runtime has no CAP_SYS_ADMIN here; set process.noNewPrivileges',
    );
  }
  return true;
}

/** capset(2), then the ambient set: it lies within permitted and inheritable, which must be there first. */
function setCapabilities(program: Program, { sets }: CapabilityPlan, keepSysAdmin: boolean): void {
  const extra = keepSysAdmin ? maskOf('CAP_SYS_ADMIN') : 0n;
  const header = Buffer.alloc(8);
  header.writeUInt32LE(_LINUX_CAPABILITY_VERSION_3, 0);
  const data = Buffer.alloc(CAPABILITY_DATA_SIZE);
  [sets.effective | extra, sets.permitted | extra, sets.inheritable].forEach((mask, i) => {
    data.writeUInt32LE(Number(mask & 0xffffffffn), i * 4);
    data.writeUInt32LE(Number(mask >> 32n), 12 + i * 4);
  });
  program.call('capset', [header, data], 'set capabilities');
  program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0], 'clear ambient capabilities');
  for (const number of numbersIn(sets.ambient)) {
    const doing = `raise ${capabilityName(number)} in the ambient set`;
    program.call('prctl', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0], doing);
  }
}
