// An interpreter for the eBPF instructions that device programs have, strict about everything else.

import {
  AND64_K,
  EXIT,
  JA,
  JEQ_K,
  JLT_K,
  JNE_K,
  JSET_K,
  LDX_MEM_W,
  MOV64_K,
} from '../../src/cgroups/devices/instructions.ts';

export interface Access {
  type: 'b' | 'c';
  major: number;
  minor: number;
  /** mknod 1, read 2, write 4 */
  access: number;
}

const CONTEXT = 1n << 40n;

/** Whether the program allows the access. Throws for a jump out of range, an unknown opcode, an unset register. */
export function interpret(program: Uint8Array, { type, major, minor, access }: Access): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.length);
  const context = [(access << 16) | (type === 'b' ? 1 : 2), major, minor];
  const registers = new Map<number, bigint>([[1, CONTEXT]]);
  const get = (register: number): bigint => {
    const value = registers.get(register);
    if (value === undefined) throw new Error(`r${register} is read before it is set`);
    return value;
  };
  for (let at = 0; ; at += 8) {
    if (at < 0 || at >= program.length) throw new Error(`jump out of range to ${at / 8}`);
    const opcode = view.getUint8(at);
    const destination = view.getUint8(at + 1) & 0xf;
    const source = view.getUint8(at + 1) >> 4;
    const offset = view.getInt16(at + 2, true);
    const immediate = BigInt.asUintN(64, BigInt(view.getInt32(at + 4, true)));
    const jumps = (() => {
      switch (opcode) {
        case JA:
          return true;
        case JEQ_K:
          return get(destination) === immediate;
        case JNE_K:
          return get(destination) !== immediate;
        case JSET_K:
          return (get(destination) & immediate) !== 0n;
        case JLT_K:
          return get(destination) < immediate;
      }
      return undefined;
    })();
    if (jumps !== undefined) {
      if (jumps) at += offset * 8;
      continue;
    }
    switch (opcode) {
      case MOV64_K:
        registers.set(destination, immediate);
        break;
      case AND64_K:
        registers.set(destination, get(destination) & immediate);
        break;
      case LDX_MEM_W: {
        const word = context[offset / 4];
        if (get(source) !== CONTEXT || word === undefined)
          throw new Error(`load outside of the context: ${offset}`);
        registers.set(destination, BigInt(word));
        break;
      }
      case EXIT:
        return get(0) === 1n;
      default:
        throw new Error(`unknown opcode 0x${opcode.toString(16)}`);
    }
  }
}
