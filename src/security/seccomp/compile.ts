// linux.seccomp compiled by libseccomp into the BPF program that seccomp(2) takes.

import { closeSync, fstatSync, readSync } from 'node:fs';
import type { Seccomp } from '../../config/generated/types.ts';
import { MFD_CLOEXEC } from '../../linux/constants.ts';
import { check } from '../../linux/descriptor.ts';
import { EDOM, EEXIST } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';
import { cString } from '../../linux/ffi.ts';
import { BPF_MAXINSNS, INSTRUCTION_SIZE } from './classic-bpf.ts';
import type { Condition, FilterPlan, Rule } from './filter-rules.ts';
import { type Libseccomp, libseccomp, SCMP_FLTATR_CTL_OPTIMIZE } from './libseccomp.ts';
import { archName } from './names.ts';
import { deniesNewer, type LargestNumbers, newerCallsPrefix } from './newer.ts';

/**
 * Above this many rules libseccomp sorts them into a binary tree: fewer instructions for each system call of the
 * container. (2.5.4 and older go wrong when they shall do so for no rules at all.)
 */
const TREE_FROM = 32;
const OPTIMIZE_TREE = 2;
/** sizeof(struct scmp_arg_cmp). */
const CONDITION_SIZE = 24;

/** The BPF program, an array of struct sock_filter. System calls that libseccomp does not know are skipped. */
export function compile(config: Seccomp, plan: FilterPlan): Buffer {
  const library = libseccomp();
  const arches = architectures(library, config);
  const context = library.init(plan.defaultAction);
  if (!context) throw new TsociError('compile the seccomp filter: libseccomp refuses the default action');
  try {
    for (const [arch, name] of arches) {
      const result = library.archAdd(context, arch);
      if (result >= 0 || result === -EEXIST) continue;
      const hint = result === -EDOM ? 'its byte order is not that of this machine' : undefined;
      throw TsociError.fromErrno(`add architecture ${name} to the seccomp filter`, -result, hint);
    }
    if (plan.rules.length > TREE_FROM) library.attrSet(context, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
    for (const rule of plan.rules) addRule(library, context, rule);
    const filter = exported(library, context);
    const prefix = deniesNewer(config)
      ? newerCallsPrefix(largestNumbers(library, config, arches))
      : Buffer.alloc(0);
    const program = Buffer.concat([prefix, filter]);
    const count = program.length / INSTRUCTION_SIZE;
    if (count > BPF_MAXINSNS)
      throw new TsociError(
        `the seccomp filter has ${count} BPF instructions, the kernel takes ${BPF_MAXINSNS}`,
      );
    return program;
  } finally {
    library.release(context);
  }
}

/** The machine's own architecture, which libseccomp always has, and those of the config, by token. */
function architectures(library: Libseccomp, { architectures: names = [] }: Seccomp): Map<number, string> {
  const tokens = new Map([[library.archNative(), 'native']]);
  for (const name of names) {
    const token = library.resolveArch(archName(name));
    if (token === undefined)
      throw new TsociError(`seccomp: libseccomp ${library.version} does not know architecture ${name}`);
    tokens.set(token, name);
  }
  return tokens;
}

function addRule(library: Libseccomp, context: number, { name, action, conditions }: Rule): void {
  const number = library.resolveSyscall(name);
  if (number === undefined) return;
  const array = conditionArray(conditions);
  const result = library.ruleAddArray(context, action, number, conditions.length, array);
  if (result < 0) throw TsociError.fromErrno(`add a seccomp rule for ${name}`, -result);
}

function conditionArray(conditions: readonly Condition[]): Buffer {
  const array = Buffer.alloc(Math.max(1, conditions.length) * CONDITION_SIZE);
  conditions.forEach(({ index, operator, a, b }, i) => {
    const at = i * CONDITION_SIZE;
    array.writeUInt32LE(index, at);
    array.writeUInt32LE(operator, at + 4);
    array.writeBigUInt64LE(a, at + 8);
    array.writeBigUInt64LE(b, at + 16);
  });
  return array;
}

function largestNumbers(
  library: Libseccomp,
  { syscalls = [] }: Seccomp,
  arches: ReadonlyMap<number, string>,
): LargestNumbers {
  const largest = new Map<number, number>();
  for (const arch of arches.keys()) {
    for (const name of syscalls.flatMap(({ names }) => names)) {
      const number = library.resolveSyscallOn(arch, name);
      if (number !== undefined && number > (largest.get(arch) ?? -1)) largest.set(arch, number);
    }
  }
  return largest;
}

/** seccomp_export_bpf(3), which writes to a descriptor. */
function exported(library: Libseccomp, context: number): Buffer {
  const doing = 'export the seccomp filter';
  const fd = check(doing, 'memfd_create', cString('seccomp'), MFD_CLOEXEC);
  try {
    const result = library.exportBpf(context, fd);
    if (result < 0) throw TsociError.fromErrno(doing, -result);
    const bytes = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(fd);
  }
}
