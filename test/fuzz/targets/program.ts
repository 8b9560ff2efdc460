// Why a program cannot be executed (src/diagnosis): files of an image, ELF headers and #! lines among them. The first half
// of the input is a program, the second what it names as its interpreter or loader.

import { parseElf } from '../../../src/diagnosis/elf.ts';
import type { Files } from '../../../src/diagnosis/files.ts';
import { anybody } from '../../../src/diagnosis/person.ts';
import { whyNotExecutable } from '../../../src/diagnosis/program.ts';
import { S_IFDIR, S_IFREG } from '../../../src/linux/constants.ts';
import { holds } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const half = data.length >> 1;
  const contents: Record<string, Buffer> = { '/p': data.subarray(0, half) };
  const files: Files = {
    at: (path) => {
      const mode = path === '/' ? S_IFDIR : S_IFREG;
      return { mode: mode | 0o755, uid: 0, gid: 0, noexec: false };
    },
    read: (path, position, length) => {
      holds(length <= 1 << 20, `${length} bytes are read of a program`);
      holds(Number.isSafeInteger(position) && position >= 0, `read at ${position}`);
      return (contents[path] ?? data.subarray(half)).subarray(position, position + length);
    },
    isEmpty: () => false,
  };
  parseElf((position, length) => files.read('/p', position, length));
  const refusal = whyNotExecutable({ files, cwd: '/', person: anybody }, '/p');
  if (refusal) holds(refusal.errno > 0 && refusal.reason !== '', 'a refusal without a reason');
}
