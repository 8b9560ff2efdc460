// A symbol's bytes in an ELF file of 64 bits, little endian (elf(5)).

const SHOFF = 0x28;
const SHENTSIZE = 0x3a;
const SHNUM = 0x3c;
const SYMTAB = 2;
const SYMBOL_SIZE = 24;

interface Section {
  type: number;
  address: number;
  offset: number;
  size: number;
  link: number;
}

/** Where in the file the one variable begins whose (mangled) name has `part` in it; undefined if there is none. */
export function findVariable(image: Buffer, part: string): number | undefined {
  const sections = readSections(image);
  const symbols = sections.find(({ type }) => type === SYMTAB);
  const names = symbols && sections[symbols.link];
  if (!names) return undefined;
  const within = image.subarray(names.offset, names.offset + names.size).indexOf(part);
  if (within === -1) return undefined;
  const name = image.lastIndexOf(0, names.offset + within) + 1 - names.offset;
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += SYMBOL_SIZE) {
    if (image.readUInt32LE(at) !== name) continue;
    const section = sections[image.readUInt16LE(at + 6)];
    return section && Number(image.readBigUInt64LE(at + 8)) - section.address + section.offset;
  }
  return undefined;
}

function readSections(image: Buffer): Section[] {
  const long = (at: number) => Number(image.readBigUInt64LE(at));
  const table = long(SHOFF);
  return Array.from({ length: image.readUInt16LE(SHNUM) }, (_, index) => {
    const at = table + index * image.readUInt16LE(SHENTSIZE);
    return {
      type: image.readUInt32LE(at + 4),
      address: long(at + 0x10),
      offset: long(at + 0x18),
      size: long(at + 0x20),
      link: image.readUInt32LE(at + 0x28),
    };
  });
}
