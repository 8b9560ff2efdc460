// System calls that are newer than the profile answer ENOSYS, so that programs fall back to older ones. A profile's
// default of EPERM would tell them that the call exists and is forbidden: C libraries then give up (glibc on clone3
// and faccessat2).
//
// What is newer cannot be seen in a filter; but numbers only grow. So the largest number that the profile mentions on
// an architecture is taken for the newest call its author knew. runc does the same.

import type { Seccomp } from '../../config/generated/types.ts';
import { ENOSYS } from '../../linux/errno.ts';
import {
  assemble,
  BPF_JMP_JA,
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_JMP_JGT_K,
  BPF_LD_W_ABS,
  BPF_RET_K,
  DATA_ARCH,
  DATA_NR,
  type Instruction,
} from './classic-bpf.ts';
import { actions } from './names.ts';

/** libseccomp's tokens are the kernel's AUDIT_ARCH_* (linux/audit.h), but for x32, which the kernel calls x86-64. */
export const SCMP_ARCH_X32 = 0x4000003e;
const AUDIT_ARCH_X86_64 = 0xc000003e;
/** asm/unistd.h: the bit in the numbers of x32 system calls. */
const X32_SYSCALL_BIT = 0x40000000;
/** No number is greater. */
const NO_LIMIT = 0xffffffff;

/** The largest system call number mentioned on each architecture, by libseccomp's token. */
export type LargestNumbers = ReadonlyMap<number, number>;

/** Whether the profile denies what it does not mention, and that with another answer than ENOSYS. */
export function deniesNewer({ defaultAction, defaultErrnoRet }: Seccomp): boolean {
  switch (defaultAction) {
    case 'SCMP_ACT_ALLOW':
    case 'SCMP_ACT_LOG':
    // A tracer can deal with calls that it does not know by itself.
    case 'SCMP_ACT_TRACE':
      return false;
    default:
      return defaultErrnoRet !== ENOSYS;
  }
}

/**
 * BPF to run before the filter, which follows it: what is not newer goes on there. Numbers of x32 go on too unless
 * the profile has that architecture, and so do architectures that it has not: libseccomp's filter has its own
 * answer for those.
 */
export function newerCallsPrefix(largest: LargestNumbers): Buffer {
  const arches = new Set(
    [...largest.keys()].map((arch) => (arch === SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arch)),
  );
  if (arches.size === 0) return Buffer.alloc(0);
  const blocks = [...arches].map((arch) => ({ arch, body: body(arch, largest) }));
  const program: Instruction[] = [{ code: BPF_LD_W_ABS, k: DATA_ARCH }];
  // Each block but its test of the architecture ends in a jump to the end: count what is behind it.
  let behind = blocks.reduce((sum, { body }) => sum + body.length + 2, 0);
  for (const { arch, body } of blocks) {
    behind -= body.length + 2;
    program.push({ code: BPF_JMP_JEQ_K, jf: body.length + 1, k: arch });
    program.push(...body, { code: BPF_JMP_JA, k: behind });
  }
  return assemble(program);
}

/** Goes on behind itself when the call is not newer. */
function body(arch: number, largest: LargestNumbers): Instruction[] {
  const last = largest.get(arch) ?? NO_LIMIT;
  const number: Instruction = { code: BPF_LD_W_ABS, k: DATA_NR };
  const enosys: Instruction = { code: BPF_RET_K, k: actions.SCMP_ACT_ERRNO | ENOSYS };
  if (arch !== AUDIT_ARCH_X86_64) return [number, { code: BPF_JMP_JGT_K, jf: 1, k: last }, enosys];
  return [
    number,
    { code: BPF_JMP_JGE_K, jt: 1, k: X32_SYSCALL_BIT },
    { code: BPF_JMP_JGT_K, jt: 1, jf: 2, k: last },
    { code: BPF_JMP_JGT_K, jf: 1, k: largest.get(SCMP_ARCH_X32) ?? NO_LIMIT },
    enosys,
  ];
}
