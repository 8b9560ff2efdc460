// Programs of other kinds that this kernel has been told how to execute (binfmt_misc: Documentation/admin-guide/
// binfmt-misc.rst), such as those of another architecture, by an emulator.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = '/proc/sys/fs/binfmt_misc';

/** Whether an interpreter is registered for a file, by its first bytes or by the end of its name. */
export function hasInterpreter(path: string, head: Buffer): boolean {
  return entries().some((text) => {
    if (!/^enabled$/m.test(text)) return false;
    const extension = /^extension \.(.*)$/m.exec(text)?.[1];
    return extension === undefined ? matches(text, head) : path.endsWith(`.${extension}`);
  });
}

function matches(text: string, head: Buffer): boolean {
  const offset = Number(/^offset (\d+)$/m.exec(text)?.[1] ?? 0);
  const magic = Buffer.from(/^magic (\w+)$/m.exec(text)?.[1] ?? '', 'hex');
  const mask = Buffer.from(/^mask (\w+)$/m.exec(text)?.[1] ?? '', 'hex');
  const bytes = head.subarray(offset, offset + magic.length);
  if (magic.length === 0 || bytes.length < magic.length) return false;
  return magic.every((byte, i) => ((byte ^ (bytes[i] ?? 0)) & (mask[i] ?? 0xff)) === 0);
}

/** The registered kinds, as their files tell of them; none where it is not mounted. */
function entries(): string[] {
  try {
    return readdirSync(DIRECTORY)
      .filter((name) => name !== 'register' && name !== 'status')
      .map((name) => readFileSync(join(DIRECTORY, name), 'latin1'));
  } catch {
    return [];
  }
}
