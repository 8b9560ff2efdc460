// How structures are shown, by their layout in the headers of Linux.

import { schedulerFlags } from '../config/generated/values.ts';
import {
  _LINUX_CAPABILITY_VERSION_3,
  AF_UNIX,
  SCM_RIGHTS,
  SIOCSIFFLAGS,
  SOL_SOCKET,
  TIOCGPTPEER,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from '../linux/constants.ts';
import { fileTypeOf, STATX_SIZE, STX_MODE } from '../linux/statx.ts';
import { capabilityName, numbersIn } from '../security/capabilities.ts';
import { schedulerPolicies } from '../security/scheduler.ts';
import { access, bits, type Call, hex, number, octal, one, quoted, type Show } from './arguments.ts';
import {
  cloneFlags,
  constant,
  filesystemMagics,
  fileTypes,
  flags,
  interfaceFlags,
  messageFlags,
  mountAttributes,
  mountFlags,
  resolveFlags,
} from './flag-names.ts';
import type { Memory } from './stub-memory.ts';

/** A structure of `size` bytes that the call reads, or its address where those are not known. */
const structure =
  (size: number, show: (bytes: Buffer, memory: Memory) => string): Show =>
  (value, { before }) => {
    if (value === 0n) return 'NULL';
    const found = before.read(value, size);
    return found?.length === size ? show(found, before) : hex(value);
  };

/** One of 64-bit words; those that are 0 are left out, unless they say something all the same. */
const words =
  (...fields: readonly (readonly [name: string, show: Show, always?: boolean])[]): Show =>
  (value, call, i) => {
    if (value === 0n) return 'NULL';
    const shown = fields.flatMap(([name, show, always]) => {
      const word = call.before.word(value);
      value += 8n;
      if (word === undefined) return [`${name}=?`];
      return word === 0n && !always ? [] : [`${name}=${show(word, call, i)}`];
    });
    return `{${shown.join(', ')}}`;
  };

export const openHow = words(['flags', access, true], ['mode', octal], ['resolve', bits(resolveFlags)]);
export const mountAttr = words(
  ['attr_set', bits(mountAttributes)],
  ['attr_clr', bits(mountAttributes)],
  ['propagation', one(mountFlags)],
  ['userns_fd', number],
);
export const cloneArgs = words(
  ['flags', bits(cloneFlags), true],
  ['pidfd', hex],
  ['child_tid', hex],
  ['parent_tid', hex],
  ['exit_signal', number, true],
  ['stack', hex],
  ['stack_size', hex],
  ['tls', hex],
  ['set_tid', hex],
  ['set_tid_size', number],
  ['cgroup', number],
);
export const rlimit = words(['rlim_cur', limit, true], ['rlim_max', limit, true]);

function limit(value: bigint): string {
  return value === 2n ** 64n - 1n ? 'RLIM64_INFINITY' : String(value);
}

export const statx: Show = (value, call) => {
  const found = succeeded(call) ? call.after?.read(value, STATX_SIZE) : undefined;
  if (!found) return hex(value);
  const type = BigInt(fileTypeOf(found));
  return `{stx_mode=${constant(type, fileTypes)}|${octal(BigInt(found.readUInt16LE(STX_MODE) & 0o7777))}}`;
};

/** struct statfs: f_type comes first. */
export const statfs: Show = (value, call) => {
  const found = succeeded(call) ? call.after?.word(value) : undefined;
  return found === undefined ? hex(value) : `{f_type=${constant(found, filesystemMagics)}}`;
};

/** struct stat: st_ino comes second. */
export const stat: Show = (value, call) => {
  const found = succeeded(call) ? call.after?.word(value + 8n) : undefined;
  return found === undefined ? hex(value) : `{st_ino=${found}}`;
};

/** How many of struct linux_dirent64 a call has written, each with its length at 16 (getdents64(2)). */
export const entries: Show = (value, call) => {
  const found = succeeded(call) ? call.after?.read(value, call.result ?? 0) : undefined;
  if (!found) return hex(value);
  let count = 0;
  for (let at = 0; at + 18 <= found.length; at += found.readUInt16LE(at + 16) || found.length) count++;
  return `${hex(value)} /* ${count} ${count === 1 ? 'entry' : 'entries'} */`;
};

/** Two of struct timespec: of the last access and of the last change (utimensat(2)). */
export const times = structure(32, (bytes) => {
  const time = (at: number) =>
    `{tv_sec=${bytes.readBigInt64LE(at)}, tv_nsec=${bytes.readBigInt64LE(at + 8)}}`;
  return `[${time(0)}, ${time(16)}]`;
});

function succeeded({ result }: Call): boolean {
  return result !== undefined && result >= 0;
}

/** struct sockaddr: sun_path of a Unix socket. */
export const sockaddr: Show = (value, call, i) => {
  if (value === 0n) return 'NULL';
  const found = call.before.read(value, Number(call.args[i + 1] ?? 0n));
  if (!found || found.length < 2) return hex(value);
  const family = found.readUInt16LE(0);
  if (family !== AF_UNIX) return `{sa_family=${family}}`;
  return `{sa_family=AF_UNIX, sun_path=${quoted(found.subarray(2))}}`;
};

/** struct msghdr and what it points to (recvmsg(2), cmsg(3)): the bytes, and the descriptors that go with them. */
export const msghdr = structure(56, (bytes, memory) => {
  const word = (at: number) => bytes.readBigUInt64LE(at);
  const [iov, iovlen, control, controllen] = [word(16), Number(word(24)), word(32), Number(word(40))];
  const parts = Array.from({ length: iovlen }, (_, i) => iovec(iov + BigInt(i) * 16n, memory));
  const rights = memory.read(control, controllen);
  const shown = rights?.length === controllen ? controlMessage(rights) : hex(control);
  const sent = `msg_iov=[${parts.join(', ')}], msg_iovlen=${iovlen}`;
  const flagged = flags(BigInt(bytes.readUInt32LE(48)), messageFlags);
  const name = word(0) === 0n ? 'NULL' : hex(word(0));
  return `{msg_name=${name}, ${sent}, msg_control=[${shown}], msg_controllen=${controllen}, msg_flags=${flagged}}`;
});

/** struct iovec. */
function iovec(address: bigint, memory: Memory): string {
  const [base = 0n, length = 0n] = [memory.word(address), memory.word(address + 8n)];
  const found = memory.read(base, Number(length));
  return `{iov_base=${found ? quoted(found) : hex(base)}, iov_len=${length}}`;
}

/** struct cmsghdr; tsoci sends one, of descriptors. */
function controlMessage(bytes: Buffer): string {
  const length = Number(bytes.readBigUInt64LE(0));
  const [level, type] = [bytes.readInt32LE(8), bytes.readInt32LE(12)];
  if (level !== SOL_SOCKET || type !== SCM_RIGHTS)
    return `{cmsg_len=${length}, cmsg_level=${level}, cmsg_type=${type}}`;
  const fds = Array.from({ length: (length - 16) / 4 }, (_, i) => bytes.readInt32LE(16 + i * 4));
  return `{cmsg_len=${length}, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[${fds.join(', ')}]}`;
}

/** The header and the two halves of effective, permitted and inheritable (capset(2)). */
export const capabilityHeader = structure(8, (bytes) => {
  const version = bytes.readUInt32LE(0) === _LINUX_CAPABILITY_VERSION_3;
  const name = version ? '_LINUX_CAPABILITY_VERSION_3' : hex(BigInt(bytes.readUInt32LE(0)));
  return `{version=${name}, pid=${bytes.readInt32LE(4)}}`;
});
export const capabilitySets = structure(24, (bytes) => {
  const set = (at: number) => {
    const mask = BigInt(bytes.readUInt32LE(at)) | (BigInt(bytes.readUInt32LE(at + 12)) << 32n);
    return numbersIn(mask).map(capabilityName).join('|') || '0';
  };
  return `{effective=${set(0)}, permitted=${set(4)}, inheritable=${set(8)}}`;
});

/** struct sock_fprog: how many instructions. */
export const filter: Show = (value, call) => {
  const count = call.before.word(value);
  return count === undefined ? hex(value) : `{len=${count}}`;
};

/** struct sched_attr (linux/sched/types.h). */
export const schedAttr = structure(48, (bytes) => {
  const policy = bytes.readUInt32LE(4);
  const set = Number(bytes.readBigUInt64LE(8));
  const names = schedulerFlags.filter((_, bit) => set & (1 << bit)).join('|') || '0';
  return `{${[
    `size=${bytes.readUInt32LE(0)}`,
    `sched_policy=${nameOf(policy, schedulerPolicies)}`,
    `sched_flags=${names}`,
    `sched_nice=${bytes.readInt32LE(16)}`,
    `sched_priority=${bytes.readUInt32LE(20)}`,
    ...['runtime', 'deadline', 'period'].map(
      (name, i) => `sched_${name}=${bytes.readBigUInt64LE(24 + i * 8)}`,
    ),
  ].join(', ')}}`;
});

function nameOf(value: number, names: Readonly<Record<string, number>>): string {
  return Object.entries(names).find(([, known]) => known === value)?.[0] ?? hex(BigInt(value));
}

/** The third argument of ioctl(2), by the second (ioctl_tty(2), netdevice(7)). */
export const request: Show = (value, call, i) => {
  switch (Number(call.args[1])) {
    case TIOCGPTPEER:
      return access(value, call, i);
    case TIOCSPTLCK:
      return structure(4, (bytes) => `[${bytes.readInt32LE(0)}]`)(value, call, i);
    case TIOCSWINSZ:
      return winsize(value, call, i);
    case SIOCSIFFLAGS:
      return ifreq(value, call, i);
    default:
      return hex(value);
  }
};

const winsize = structure(8, (bytes) => `{ws_row=${bytes.readUInt16LE(0)}, ws_col=${bytes.readUInt16LE(2)}}`);

/** struct ifreq with ifr_flags. */
const ifreq = structure(18, (bytes) => {
  const name = bytes.subarray(0, bytes.indexOf(0));
  const set = BigInt(bytes.readUInt16LE(16));
  return `{ifr_name=${quoted(name)}, ifr_flags=${flags(set, interfaceFlags)}}`;
});
