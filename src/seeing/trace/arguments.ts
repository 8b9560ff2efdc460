// How an argument is shown, by what it is. What a call only writes is shown after it, from the reply.

import { AF_UNIX, AT_FDCWD, S_IFMT } from '../../linux/constants.ts';
import { capabilityName, numbersIn } from '../../security/capabilities.ts';
import {
  cloneFlags,
  constant,
  fileMode,
  filesystemMagics,
  fileTypes,
  flags,
  mountAttributes,
  mountFlags,
  openMode,
  resolveFlags,
} from './flags.ts';
import type { Memory } from './memory.ts';

/** A call as it was sent and, once there is a reply, as it came back. */
export interface Call {
  readonly args: readonly bigint[];
  readonly before: Memory;
  readonly after: Memory | undefined;
  /** The result; undefined while, or because, nobody knows it. */
  readonly result: number | undefined;
}

/** Shows an argument; `i` is its place among the arguments. */
export type Show = (value: bigint, call: Call, i: number) => string;

/** Bytes of a string that are shown. */
const LONGEST = 64;

export const number = (value: bigint): string => String(BigInt.asIntN(64, value));
export const int = (value: bigint): string => String(BigInt.asIntN(32, value));
export const hex = (value: bigint): string => (value === 0n ? '0' : `0x${value.toString(16)}`);
export const octal = (value: bigint): string => `0${value.toString(8)}`;
export const directory: Show = (value) =>
  BigInt.asIntN(32, value) === BigInt(AT_FDCWD) ? 'AT_FDCWD' : String(BigInt.asIntN(32, value));
export const mode: Show = (value) => fileMode(value);
export const access: Show = (value) => openMode(value);
export const device: Show = (value) =>
  `makedev(${((value >> 8n) & 0xfffn).toString()}, ${((value & 0xffn) | ((value >> 12n) & 0xfff00n)).toString()})`;

export const bits =
  (names: Parameters<typeof flags>[1]): Show =>
  (value) =>
    flags(value, names);

export const one =
  (names: Parameters<typeof constant>[1]): Show =>
  (value) =>
    constant(value, names);

export const string: Show = (value, { before }) => {
  if (value === 0n) return 'NULL';
  const text = before.string(value);
  return text === undefined ? hex(value) : quoted(Buffer.from(text));
};

/** Bytes whose number is the next argument. */
export const bytes: Show = (value, { args, before }, i) => {
  const found = before.read(value, Number(args[i + 1] ?? 0n));
  return found ? quoted(found) : hex(value);
};

/** What a call wrote, as many bytes as its result says. */
export const written: Show = (value, { after, result }) => {
  const found = result !== undefined && result >= 0 ? after?.read(value, result) : undefined;
  return found ? quoted(found) : hex(value);
};

/** A null-terminated array of strings: argv. */
export const strings: Show = (value, { before }) => {
  const shown = pointers(value, before).map((pointer) => quoted(Buffer.from(before.string(pointer) ?? '?')));
  return `[${shown.join(', ')}]`;
};

/** The environment may hold secrets: how many variables there are. */
export const environment: Show = (value, { before }) => {
  const count = pointers(value, before).length;
  return `${hex(value)} /* ${count} ${count === 1 ? 'variable' : 'variables'} */`;
};

function pointers(array: bigint, memory: Memory): bigint[] {
  const found: bigint[] = [];
  for (let at = array; ; at += 8n) {
    const pointer = memory.word(at);
    if (!pointer) return found;
    found.push(pointer);
  }
}

/** A structure of 64-bit words. */
export const words =
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

/** struct statx: stx_mode at 28 (linux/stat.h). */
export const statx: Show = (value, call) => {
  const found = succeeded(call) ? call.after?.read(value, 30) : undefined;
  if (!found) return hex(value);
  const type = BigInt(found.readUInt16LE(28) & S_IFMT);
  return `{stx_mode=${constant(type, fileTypes)}|${octal(BigInt(found.readUInt16LE(28) & 0o7777))}}`;
};

/** struct statfs: f_type comes first. */
export const statfs: Show = (value, call) => {
  const found = succeeded(call) ? call.after?.word(value) : undefined;
  return found === undefined ? hex(value) : `{f_type=${constant(found, filesystemMagics)}}`;
};

/** struct sockaddr: sun_path of a Unix socket. */
export const sockaddr: Show = (value, call, i) => {
  if (value === 0n) return 'NULL';
  const found = call.before.read(value, Number(call.args[i + 1] ?? 0n));
  if (!found || found.length < 2) return hex(value);
  const family = found.readUInt16LE(0);
  if (family !== AF_UNIX) return `{sa_family=${family}}`;
  return `{sa_family=AF_UNIX, sun_path=${quoted(found.subarray(2))}}`;
};

/** Group ids; their number is the argument before. */
export const groups: Show = (value, { args, before }, i) => {
  const count = Number(args[i - 1] ?? 0n);
  const found = before.read(value, count * 4);
  if (count === 0 || !found) return value === 0n ? 'NULL' : '[]';
  return `[${Array.from({ length: count }, (_, at) => found.readUInt32LE(at * 4)).join(', ')}]`;
};

/** The two halves of effective, permitted and inheritable (capset(2)). */
export const capabilitySets: Show = (value, call) => {
  const found = call.before.read(value, 24);
  if (found?.length !== 24) return hex(value);
  const set = (at: number) => {
    const mask = BigInt(found.readUInt32LE(at)) | (BigInt(found.readUInt32LE(at + 12)) << 32n);
    return numbersIn(mask).map(capabilityName).join('|') || '0';
  };
  return `{effective=${set(0)}, permitted=${set(4)}, inheritable=${set(8)}}`;
};

/** struct sock_fprog: how many instructions, and where. */
export const filter: Show = (value, call) => {
  const count = call.before.word(value);
  return count === undefined ? hex(value) : `{len=${count}}`;
};

function succeeded({ result }: Call): boolean {
  return result !== undefined && result >= 0;
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** As in C, at most LONGEST bytes. */
export function quoted(text: Buffer): string {
  const shown = text.subarray(0, LONGEST).toString('latin1');
  const escaped = [...shown].map((character) => {
    const code = character.charCodeAt(0);
    const known = escapes[character];
    return known ?? (code >= 0x20 && code < 0x7f ? character : `\\x${code.toString(16).padStart(2, '0')}`);
  });
  return `"${escaped.join('')}"${text.length > LONGEST ? '...' : ''}`;
}
