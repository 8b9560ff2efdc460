// eBPF instructions, the few that a device program has (bpf/standardization/instruction-set.rst; linux/bpf.h).

export type Register = 0 | 1 | 2 | 4 | 5;

/** Where a jump goes; placed by `Assembler.place`. */
export interface Label {
  at: number | undefined;
}

interface Instruction {
  readonly opcode: number;
  readonly destination: Register;
  readonly source: Register;
  readonly offset: number | Label;
  readonly immediate: number;
}

/** Opcodes: class, operation and source (K is the immediate) in one byte. */
export const LDX_MEM_W = 0x61; // destination = *(u32 *)(source + offset)
export const MOV64_K = 0xb7;
export const AND64_K = 0x57;
export const JA = 0x05;
export const JEQ_K = 0x15;
export const JNE_K = 0x55;
export const JSET_K = 0x45; // jump if destination & immediate
export const JLT_K = 0xa5; // unsigned
export const EXIT = 0x95;

const INSTRUCTION_SIZE = 8;
/** Jump offsets have 16 bits. */
const MAX_OFFSET = 0x7fff;

export class Assembler {
  readonly #instructions: Instruction[] = [];

  move(destination: Register, immediate: number): void {
    this.#add({ opcode: MOV64_K, destination, immediate });
  }

  and(destination: Register, immediate: number): void {
    this.#add({ opcode: AND64_K, destination, immediate });
  }

  load32(destination: Register, source: Register, offset: number): void {
    this.#add({ opcode: LDX_MEM_W, destination, source, offset });
  }

  jump(opcode: number, destination: Register, immediate: number, offset: Label): void {
    this.#add({ opcode, destination, immediate, offset });
  }

  exit(): void {
    this.#add({ opcode: EXIT });
  }

  label(): Label {
    return { at: undefined };
  }

  /** The label is the next instruction. */
  place(label: Label): void {
    label.at = this.#instructions.length;
  }

  #add(fields: Partial<Instruction> & { opcode: number }): void {
    this.#instructions.push({ destination: 0, source: 0, offset: 0, immediate: 0, ...fields });
  }

  /** The program's bytes; undefined if a jump is too far. */
  assemble(): Uint8Array<ArrayBuffer> | undefined {
    const bytes = new Uint8Array(this.#instructions.length * INSTRUCTION_SIZE);
    const view = new DataView(bytes.buffer);
    for (const [i, instruction] of this.#instructions.entries()) {
      const { opcode, destination, source, offset, immediate } = instruction;
      // A jump counts from the instruction after it.
      const distance = typeof offset === 'number' ? offset : (offset.at ?? Number.NaN) - (i + 1);
      if (!(distance >= 0 && distance <= MAX_OFFSET)) return undefined;
      const at = i * INSTRUCTION_SIZE;
      view.setUint8(at, opcode);
      view.setUint8(at + 1, (source << 4) | destination);
      view.setInt16(at + 2, distance, true);
      view.setInt32(at + 4, immediate, true);
    }
    return bytes;
  }
}
