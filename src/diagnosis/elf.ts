// What the head of an ELF file says of how it is executed (elf(5)).

export interface Elf {
  /** EI_CLASS: 32 or 64 bits. */
  readonly bits: 32 | 64;
  /** e_type */
  readonly type: number;
  /** e_machine */
  readonly machine: number;
  /** PT_INTERP: the loader of a program that is linked dynamically. */
  readonly interpreter: string | undefined;
}

export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;
const PT_INTERP = 3;
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const ELFDATA2MSB = 2;
const ELFCLASS64 = 2;
/** Bytes of the file's header and of a program's, by bits. */
const HEADER = { 32: 52, 64: 64 };
const PROGRAM_HEADER = { 32: 32, 64: 56 };
/** fs/binfmt_elf.c (load_elf_phdrs): bytes of all program headers. */
const PROGRAM_HEADERS_MAX = 65_536;
/** PATH_MAX of linux/limits.h: as much the kernel takes. */
const PATH_MAX = 4096;

/** elf.h: EM_… by their numbers, under the names of uname -m where there is one. */
const machines: Readonly<Record<number, string>> = {
  2: 'sparc',
  3: 'i386',
  4: 'm68k',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  42: 'sh',
  43: 'sparc64',
  50: 'ia64',
  62: 'x86-64',
  183: 'arm64',
  243: 'riscv',
  247: 'bpf',
  258: 'loongarch',
};

export function machineName(machine: number): string {
  return machines[machine] ?? `machine ${machine}`;
}

/** By process.arch: what the kernel executes, itself or by its compatible mode. */
export const executed: Readonly<Record<string, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] };

export function isElf(head: Buffer): boolean {
  return head.subarray(0, MAGIC.length).equals(MAGIC);
}

/** Undefined for a file that is cut off before all that was asked for, or whose program headers the kernel would not read. */
export function parseElf(read: (position: number, length: number) => Buffer): Elf | undefined {
  const head = read(0, HEADER[64]);
  const bits = head[4] === ELFCLASS64 ? 64 : 32;
  if (head.length < HEADER[bits]) return undefined;
  const big = head[5] === ELFDATA2MSB;
  const half = (from: Buffer, at: number) => (big ? from.readUInt16BE(at) : from.readUInt16LE(at));
  const word = (from: Buffer, at: number) => (big ? from.readUInt32BE(at) : from.readUInt32LE(at));
  const address = (from: Buffer, at: number) => {
    if (bits === 32) return word(from, at);
    return Number(big ? from.readBigUInt64BE(at) : from.readBigUInt64LE(at));
  };
  // No file is so long.
  const readAt = (position: number, length: number) =>
    Number.isSafeInteger(position) ? read(position, length) : Buffer.alloc(0);
  const [offsetAt, sizeAt] = bits === 64 ? [32, 54] : [28, 42];
  const size = half(head, sizeAt);
  const count = half(head, sizeAt + 2);
  if (count > 0 && (size !== PROGRAM_HEADER[bits] || size * count > PROGRAM_HEADERS_MAX)) return undefined;
  const headers = readAt(address(head, offsetAt), size * count);
  if (headers.length < size * count) return undefined;
  // Elf32_Phdr and Elf64_Phdr: p_offset and p_filesz.
  const [positionAt, lengthAt] = bits === 64 ? [8, 32] : [4, 16];
  let interpreter: string | undefined;
  for (let at = 0; at < headers.length; at += size) {
    if (word(headers, at) !== PT_INTERP) continue;
    const length = Math.min(address(headers, at + lengthAt), PATH_MAX);
    const text = readAt(address(headers, at + positionAt), length);
    interpreter = text.toString().replace(/\0.*$/s, '');
    break;
  }
  return { bits, type: half(head, 16), machine: half(head, 18), interpreter };
}
