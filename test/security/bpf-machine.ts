// A machine for seccomp's BPF: what a filter answers to a system call, computed apart from the kernel.

import {
  BPF_JMP_JA,
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_JMP_JGT_K,
  BPF_LD_W_ABS,
  BPF_RET_K,
} from '../../src/security/seccomp/classic-bpf.ts';

const BPF_JMP_JSET_K = 0x45;
const BPF_ALU_AND_K = 0x54;

export interface Call {
  arch: number;
  number: number;
  args?: readonly bigint[];
}

/** SECCOMP_RET_*: action and data. */
export function evaluate(program: Buffer, { arch, number, args = [] }: Call): number {
  // struct seccomp_data: nr, arch, instruction_pointer, args.
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  args.forEach((argument, i) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, argument), 16 + i * 8);
  });
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const code = program.readUInt16LE(at);
    const k = program.readUInt32LE(at + 4);
    const branch = (condition: boolean): void => {
      at += 8 * program.readUInt8(condition ? at + 2 : at + 3);
    };
    switch (code) {
      case BPF_LD_W_ABS:
        accumulator = data.readUInt32LE(k);
        break;
      case BPF_ALU_AND_K:
        accumulator = (accumulator & k) >>> 0;
        break;
      case BPF_JMP_JA:
        at += 8 * k;
        break;
      case BPF_JMP_JEQ_K:
        branch(accumulator === k);
        break;
      case BPF_JMP_JGT_K:
        branch(accumulator > k);
        break;
      case BPF_JMP_JGE_K:
        branch(accumulator >= k);
        break;
      case BPF_JMP_JSET_K:
        branch((accumulator & k) !== 0);
        break;
      case BPF_RET_K:
        return k;
      default:
        throw new Error(`instruction 0x${code.toString(16)} at ${at / 8}`);
    }
  }
  throw new Error('the program ran over its end');
}
