// What the arguments of each system call are, as its man page has them.

import { ioPriorityClasses, rlimitTypes } from '../config/generated/values.ts';
import {
  FSCONFIG_SET_FD,
  FSCONFIG_SET_STRING,
  IOPRIO_CLASS_SHIFT,
  KEY_SPEC_SESSION_KEYRING,
  KEYCTL_JOIN_SESSION_KEYRING,
  PR_CAP_AMBIENT,
  PR_CAPBSET_DROP,
  PR_SET_NAME,
} from '../linux/constants.ts';
import { describeErrno } from '../linux/errors.ts';
import type { SyscallName } from '../linux/syscalls.ts';
import { capabilityName } from '../security/capabilities.ts';
import { memoryPolicyFlags, memoryPolicyModes } from '../security/memory-policy.ts';
import type { Call, Show } from './arguments.ts';
import * as show from './arguments.ts';
import * as names from './flag-names.ts';
import * as structures from './structures.ts';

const { access, bits, bytes, device, directory, hex, int, mode, number, octal, one, string, written } = show;

const path = string;
const clone = bits(names.cloneFlags);
const at = bits(names.atFlags);

/** Of each system call that a program has. */
export const calls: Readonly<Partial<Record<SyscallName, readonly Show[]>>> = {
  accept4: [int, structures.sockaddr, hex, socketType],
  capset: [structures.capabilityHeader, structures.capabilitySets],
  chdir: [path],
  chroot: [path],
  clone3: [structures.cloneArgs, number],
  close: [int],
  close_range: [number, number, bits(names.closeRangeFlags)],
  connect: [int, structures.sockaddr, number],
  dup3: [int, int, access],
  execve: [path, show.strings, show.environment],
  exit_group: [int],
  faccessat2: [directory, path, accessMode, bits(names.accessFlags)],
  fchdir: [int],
  fchmodat: [directory, path, octal],
  fchown: [int, int, int],
  fchownat: [directory, path, int, int, at],
  fcntl: [int, one(names.fcntlCommands), number],
  fsetxattr: [int, string, bytes, number, hex],
  fsconfig: [int, one(names.fsconfigCommands), string, configValue, number],
  fsmount: [int, bits(names.fsmountFlags), bits(names.mountAttributes)],
  fsopen: [string, bits(names.fsopenFlags)],
  fspick: [directory, path, bits(names.fspickFlags)],
  fstatfs: [int, structures.statfs],
  getcwd: [written, number],
  getdents64: [int, structures.entries, number],
  getpid: [],
  ioctl: [int, one(names.requests), structures.request],
  ioprio_set: [one(names.ioPriorityTargets), number, ioPriority],
  keyctl: [one(names.keyctlOperations), keyctlValue, hex],
  mkdirat: [directory, path, octal],
  mknodat: [directory, path, mode, device],
  madvise: [hex, number, one(names.advice)],
  mmap: [hex, number, bits(names.protections), bits(names.mapFlags), int, number],
  mount: [string, path, string, bits(names.mountFlags), string],
  mount_setattr: [directory, path, at, structures.mountAttr, number],
  move_mount: [directory, path, directory, path, bits(names.moveMountFlags)],
  newfstatat: [directory, path, structures.stat, at],
  open_tree: [directory, path, bits(names.openTreeFlags)],
  openat: [directory, path, access, octal],
  openat2: [directory, path, structures.openHow, number],
  personality: [hex],
  pivot_root: [path, path],
  prctl: [one(names.prctlOptions), prctlValue, prctlValue, hex, hex],
  prlimit64: [number, resource, structures.rlimit, hex],
  read: [int, written, number],
  readlinkat: [directory, path, written, number],
  recvmsg: [int, structures.msghdr, bits(names.messageFlags)],
  sched_setaffinity: [number, number, show.cpus],
  sched_setattr: [number, structures.schedAttr, number],
  seccomp: [one(names.seccompOperations), bits(names.seccompFlags), structures.filter],
  sendfile: [int, int, pointer, number],
  sendmsg: [int, structures.msghdr, bits(names.messageFlags)],
  set_mempolicy: [memoryPolicy, show.nodes, number],
  setdomainname: [bytes, number],
  setgroups: [number, show.groups],
  sethostname: [bytes, number],
  setns: [int, clone],
  setresgid: [int, int, int],
  setresuid: [int, int, int],
  setsid: [],
  socket: [one(names.families), socketType, number],
  statx: [directory, path, at, hex, structures.statx],
  symlinkat: [string, directory, path],
  umask: [octal],
  umount2: [path, bits(names.umountFlags)],
  unlinkat: [directory, path, bits(names.unlinkFlags)],
  unshare: [clone],
  utimensat: [directory, path, structures.times, at],
  write: [int, bytes, number],
};

/** The numbers of capabilities, and what else prctl(2) takes by its first argument. */
function prctlValue(value: bigint, call: Call, i: number): string {
  const [option = 0n, operation] = call.args;
  if (option === BigInt(PR_SET_NAME) && i === 1) return string(value, call, i);
  if (option === BigInt(PR_CAPBSET_DROP) && i === 1) return capabilityName(Number(value));
  if (option !== BigInt(PR_CAP_AMBIENT)) return hex(value);
  if (i === 1) return one(names.ambientOperations)(value, call, i);
  return operation === AMBIENT_RAISE && i === 2 ? capabilityName(Number(value)) : hex(value);
}

/** PR_CAP_AMBIENT_RAISE. */
const AMBIENT_RAISE = 2n;

function pointer(value: bigint): string {
  return value === 0n ? 'NULL' : hex(value);
}

function configValue(value: bigint, call: Call, i: number): string {
  const command = Number(call.args[1]);
  if (command === FSCONFIG_SET_STRING) return string(value, call, i);
  return command === FSCONFIG_SET_FD ? hex(value) : pointer(value);
}

/** The name of a keyring, or its number. */
function keyctlValue(value: bigint, call: Call, i: number): string {
  if (call.args[0] === BigInt(KEYCTL_JOIN_SESSION_KEYRING)) return string(value, call, i);
  const own = BigInt.asIntN(32, value) === BigInt(KEY_SPEC_SESSION_KEYRING);
  return own ? 'KEY_SPEC_SESSION_KEYRING' : number(value);
}

/** A class and a priority in it (ioprio_set(2)). */
function ioPriority(value: bigint): string {
  const name = ioPriorityClasses[Number(value >> BigInt(IOPRIO_CLASS_SHIFT)) - 1];
  const priority = value & ((1n << BigInt(IOPRIO_CLASS_SHIFT)) - 1n);
  return name ? `IOPRIO_PRIO_VALUE(${name}, ${priority})` : hex(value);
}

/** A mode and its flags (set_mempolicy(2)). */
function memoryPolicy(value: bigint): string {
  const found = Object.entries(memoryPolicyFlags).filter(([, bit]) => value & BigInt(bit));
  const mode = found.reduce((rest, [, bit]) => rest & ~BigInt(bit), value);
  const name = Object.entries(memoryPolicyModes).find(([, known]) => BigInt(known.number) === mode)?.[0];
  return [name ?? hex(mode), ...found.map(([flag]) => flag)].join('|');
}

function accessMode(value: bigint): string {
  return value === 1n ? 'X_OK' : value === 0n ? 'F_OK' : hex(value);
}

function resource(value: bigint): string {
  return rlimitTypes[Number(value)] ?? number(value);
}

function socketType(value: bigint): string {
  const CLOEXEC = BigInt(names.openFlags.find(([name]) => name === 'O_CLOEXEC')?.[1] ?? 0n);
  const type = value & ~CLOEXEC;
  const shown = type === 0n ? [] : [names.constant(type, names.socketTypes)];
  return [...shown, ...(value & CLOEXEC ? ['SOCK_CLOEXEC'] : [])].join('|') || '0';
}

/** The arguments of a call, each as it is shown. */
export function showArguments(name: string, call: Call): string[] {
  if (name === 'set_control') return [`${call.args[0]} /* listens to it from here on */`];
  const shows = calls[name as SyscallName] ?? call.args.map(() => hex);
  return shows.map((each, i) => each(call.args[i] ?? 0n, call, i));
}

/** Calls whose result is a file mode. */
const octalResults = new Set(['umask']);

/** `9`, `-1 ENOENT (No such file or directory)`, `?` where nobody was told. */
export function showResult(name: string, result: number | undefined): string {
  if (result === undefined) return '?';
  if (result < 0) return `-1 ${describeErrno(-result)}`;
  return octalResults.has(name) ? octal(BigInt(result)) : String(result);
}
