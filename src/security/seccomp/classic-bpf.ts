// Classic BPF as seccomp(2) runs it: 8-byte instructions over struct seccomp_data (linux/filter.h, linux/bpf_common.h).

/** linux/bpf_common.h: class, size or operation, mode or source. */
export const BPF_LD_W_ABS = 0x20;
export const BPF_JMP_JA = 0x05;
export const BPF_JMP_JEQ_K = 0x15;
export const BPF_JMP_JGT_K = 0x25;
export const BPF_JMP_JGE_K = 0x35;
export const BPF_RET_K = 0x06;

/** linux/bpf_common.h: the longest program. */
export const BPF_MAXINSNS = 4096;

/** struct seccomp_data (linux/seccomp.h). */
export const DATA_NR = 0;
export const DATA_ARCH = 4;

export interface Instruction {
  readonly code: number;
  /** Instructions to skip when a condition holds, and when not. */
  readonly jt?: number;
  readonly jf?: number;
  readonly k: number;
}

export const INSTRUCTION_SIZE = 8;

/** struct sock_filter: code, jt, jf, k. */
export function assemble(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * INSTRUCTION_SIZE);
  instructions.forEach(({ code, jt = 0, jf = 0, k }, i) => {
    const at = i * INSTRUCTION_SIZE;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jt, at + 2);
    bytes.writeUInt8(jf, at + 3);
    bytes.writeUInt32LE(k >>> 0, at + 4);
  });
  return bytes;
}
