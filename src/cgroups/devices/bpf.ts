// bpf(2): the commands that a cgroup device program takes (linux/bpf.h).

import { closeSync } from 'node:fs';
import { EAGAIN, ENOENT, EPERM } from '../../linux/errno.ts';
import { describeErrno, TsociError } from '../../linux/errors.ts';
import { addressOf, cString, syscall } from '../../linux/ffi.ts';
import { SYS } from '../../linux/syscalls.ts';

// linux/bpf.h: enum bpf_cmd
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_PROG_QUERY = 16;

// linux/bpf.h: enum bpf_prog_type, enum bpf_attach_type, attach flags
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;

/** Marks our programs among others in the same cgroup (systemd's, say). At most 15 bytes: BPF_OBJ_NAME_LEN. */
const PROGRAM_NAME = 'tsoci_devices';
const NAME_LENGTH = 16;

/** We call no helper that asks for another. */
const LICENSE = cString('Apache-2.0');

const INSTRUCTION_SIZE = 8;
const LOG_SIZE = 64 * 1024;
/** More programs than a cgroup takes (BPF_CGROUP_MAX_PROGS of linux/bpf-cgroup.h). */
const MAX_PROGRAMS = 64;

/** How often a program is loaded anew when a signal has stopped the verifier. */
const ATTEMPTS = 100;

/** The part of union bpf_attr that the commands here reach into. */
const ATTR_SIZE = 72;

type Field = [offset: number, value: number | bigint];

/** union bpf_attr with 32-bit fields (numbers) and 64-bit ones (bigints) at their offsets. */
function attributes(fields: readonly Field[]): Buffer {
  const attr = Buffer.alloc(ATTR_SIZE);
  for (const [offset, value] of fields) {
    if (typeof value === 'bigint') attr.writeBigUInt64LE(value, offset);
    else attr.writeUInt32LE(value, offset);
  }
  return attr;
}

/** The result, or -errno. `buffers` are those whose addresses are in the attributes. */
function bpf(command: number, attr: Buffer, ...buffers: Uint8Array[]): number {
  return syscall(SYS.bpf, command, attr, attr.length, ...buffers);
}

/**
 * Loads a device program and returns its descriptor. Since Linux 5.11 the memory is charged to the cgroup of the caller,
 * so RLIMIT_MEMLOCK plays no part. Only a refusal is repeated with the verifier's log.
 */
export function loadDeviceProgram(instructions: Uint8Array): number {
  const load = (log: Buffer | undefined) => {
    const attr = attributes([
      [0, BPF_PROG_TYPE_CGROUP_DEVICE],
      [4, instructions.length / INSTRUCTION_SIZE],
      [8, addressOf(instructions)],
      [16, addressOf(LICENSE)],
      [24, log ? 1 : 0], // log_level
      [28, log?.length ?? 0],
      [32, log ? addressOf(log) : 0n],
    ]);
    attr.write(PROGRAM_NAME, 48, NAME_LENGTH - 1);
    // The verifier gives way to any signal (bpf_check in kernel/bpf/verifier.c), and is not restarted as others are.
    const buffers = [instructions, LICENSE, ...(log ? [log] : [])];
    let fd = bpf(BPF_PROG_LOAD, attr, ...buffers);
    for (let i = 1; fd === -EAGAIN && i < ATTEMPTS; i++) fd = bpf(BPF_PROG_LOAD, attr, ...buffers);
    return fd;
  };
  const fd = load(undefined);
  if (fd >= 0) return fd;
  const log = Buffer.alloc(LOG_SIZE);
  const again = load(log);
  if (again >= 0) return again;
  throw loadError(-again, text(log));
}

function loadError(errno: number, log: string): TsociError {
  if (errno === EPERM)
    return TsociError.fromErrno(
      'load the eBPF program of linux.resources.devices',
      errno,
      'it takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN, in the first user namespace',
    );
  const said = log === '' ? '' : `; the verifier says: ${log.trim()}`;
  return new TsociError(`load the eBPF program of linux.resources.devices: ${describeErrno(errno)}${said}`, {
    errno,
  });
}

/** Attaches a program to a cgroup beside those that others attached; in the place of `replaced`, if that is given. */
export function attachDeviceProgram(cgroup: number, program: number, replaced: number | undefined): void {
  const result = bpf(
    BPF_PROG_ATTACH,
    attributes([
      [0, cgroup],
      [4, program],
      [8, BPF_CGROUP_DEVICE],
      [12, BPF_F_ALLOW_MULTI | (replaced === undefined ? 0 : BPF_F_REPLACE)],
      [16, replaced ?? 0],
    ]),
  );
  if (result < 0) throw TsociError.fromErrno('attach the eBPF program of linux.resources.devices', -result);
}

export function detachDeviceProgram(cgroup: number, program: number): void {
  const attr = attributes([
    [0, cgroup],
    [4, program],
    [8, BPF_CGROUP_DEVICE],
  ]);
  const result = bpf(BPF_PROG_DETACH, attr);
  if (result < 0) throw TsociError.fromErrno('detach the eBPF program of the container', -result);
}

/** A descriptor of the device program that tsoci attached to a cgroup itself (not to one above); undefined if none. */
export function findDeviceProgram(cgroup: number): number | undefined {
  for (const id of programIds(cgroup)) {
    const fd = bpf(BPF_PROG_GET_FD_BY_ID, attributes([[0, id]]));
    if (fd === -ENOENT) continue;
    if (fd < 0) throw TsociError.fromErrno(`open eBPF program ${id}`, -fd);
    if (programName(fd) === PROGRAM_NAME) return fd;
    closeSync(fd);
  }
  return undefined;
}

function programIds(cgroup: number): number[] {
  const ids = new Uint32Array(MAX_PROGRAMS);
  const bytes = new Uint8Array(ids.buffer);
  const attr = attributes([
    [0, cgroup],
    [4, BPF_CGROUP_DEVICE],
    [16, addressOf(bytes)],
    [24, MAX_PROGRAMS],
  ]);
  const result = bpf(BPF_PROG_QUERY, attr, bytes);
  if (result < 0) throw TsociError.fromErrno('ask for the eBPF programs of the cgroup', -result);
  return [...ids.subarray(0, attr.readUInt32LE(24))];
}

/** struct bpf_prog_info up to its name. */
const INFO_SIZE = 80;
const INFO_NAME = 64;

function programName(fd: number): string {
  const info = Buffer.alloc(INFO_SIZE);
  const attr = attributes([
    [0, fd],
    [4, INFO_SIZE],
    [8, addressOf(info)],
  ]);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attr, info) < 0 ? '' : text(info.subarray(INFO_NAME));
}

function text(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
