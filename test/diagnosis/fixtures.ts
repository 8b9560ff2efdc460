// Programs that cannot be executed, and what they need: written as files of a root.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ET_REL = 1;
const ET_DYN = 3;
/** e_machine of this machine, and of another. */
const [ownMachine, foreign] = process.arch === 'arm64' ? [183, 62] : [62, 183];
export const otherMachine = foreign;

/** A directory with programs. */
export class Root {
  readonly path: string;

  constructor(path = mkdtempSync(join(tmpdir(), 'root-'))) {
    this.path = path;
    chmodSync(path, 0o755);
  }

  put(name: string, content: string | Buffer, mode = 0o755): void {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, mode);
  }

  directory(name: string, mode = 0o755): void {
    mkdirSync(join(this.path, name), { recursive: true });
    chmodSync(join(this.path, name), mode);
  }

  link(name: string, target: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    symlinkSync(target, join(this.path, name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** An ELF file of 64 bits without code, which the kernel looks at as far as to its loader. */
export function elf({ machine = ownMachine, type = ET_DYN, loader = '' } = {}): Buffer {
  const interpreter = Buffer.from(`${loader}\0`);
  const count = loader === '' ? 0 : 1;
  const head = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(head);
  head.writeUInt16LE(type, 16);
  head.writeUInt16LE(machine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(count, 56);
  const header = Buffer.alloc(56 * count);
  if (count > 0) {
    header.writeUInt32LE(3, 0);
    header.writeBigUInt64LE(BigInt(64 + 56), 8);
    header.writeBigUInt64LE(BigInt(interpreter.length), 32);
    header.writeBigUInt64LE(BigInt(interpreter.length), 40);
  }
  return Buffer.concat([head, header, count > 0 ? interpreter : Buffer.alloc(0)]);
}
