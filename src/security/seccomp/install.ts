// The last act before execve(2): the filter, and the descriptor of its notifications for the agent (seccomp(2),
// seccomp_unotify(2)).

import {
  MSG_NOSIGNAL,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_SET_MODE_FILTER,
} from '../../linux/constants.ts';
import { rightsMessage } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { type Program, Structure } from '../../stub/program.ts';
import { INSTRUCTION_SIZE } from './classic-bpf.ts';
import type { CompiledFilter } from './filter.ts';

/** linux/seccomp.h: lets TSYNC and NEW_LISTENER, which both have a result to return, go together. */
const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 0x10;

export interface SeccompAgent {
  /** A descriptor in the stub, close-on-exec: a stream socket connected to linux.seccomp.listenerPath. */
  readonly fd: number;
  /** The bytes of containerProcessState. */
  readonly state: Uint8Array;
}

/**
 * Installs the filter. What follows runs under it: sendmsg(2) to the agent, which this adds, and execve(2), which
 * must be the only thing that the caller adds. The process needs no_new_privs or CAP_SYS_ADMIN (setCredentials).
 */
export function installFilter(program: Program, filter: CompiledFilter, agent?: SeccompAgent): void {
  // struct sock_fprog: len (16 bits), filter.
  const count = filter.program.length / INSTRUCTION_SIZE;
  const fprog = new Structure([count, filter.program]);
  const doing = 'install the seccomp filter';
  if (!filter.listener) {
    program.call('seccomp', [SECCOMP_SET_MODE_FILTER, filter.flags, fprog], doing);
    return;
  }
  if (!agent) throw new TsociError(`${doing}: it notifies an agent, but there is no connection to one`);
  const both = filter.flags & SECCOMP_FILTER_FLAG_TSYNC ? SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0;
  const flags = filter.flags | both | SECCOMP_FILTER_FLAG_NEW_LISTENER;
  // The kernel makes the descriptor close-on-exec.
  const listener = program.open('seccomp', [SECCOMP_SET_MODE_FILTER, flags, fprog], doing);
  const iov = new Structure([agent.state, agent.state.length]);
  const control = rightsMessage([listener]);
  // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags.
  const header = new Structure([0, 0, iov, 1, control, control.length, 0]);
  const sending = 'send the seccomp descriptor to the agent (the filter must allow sendmsg)';
  program.call('sendmsg', [agent.fd, header, MSG_NOSIGNAL], sending);
}
