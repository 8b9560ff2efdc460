// Whether the kernel knows a filesystem (proc_filesystems(5)), or can load it.

import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';

/** Whether a filesystem of this type can be mounted: the kernel has it, or a module of that name or alias for it. */
export function knowsFilesystem(type: string): boolean {
  // A subtype, as in fuse.sshfs, is for the one who mounts.
  const [name = ''] = type.split('.', 1);
  const known = lines('/proc/filesystems').map((line) => line.split('\t').at(-1));
  if (known.includes(name)) return true;
  const modules = join('/lib/modules', release());
  if (lines(join(modules, 'modules.dep')).some((line) => moduleOf(line) === name.replaceAll('-', '_')))
    return true;
  return lines(join(modules, 'modules.alias')).some((line) => line.startsWith(`alias fs-${name} `));
}

/** The name of a module in a line of modules.dep: `kernel/fs/fuse/fuse.ko.xz: …` is fuse. */
function moduleOf(line: string): string {
  return basename(line.split(':', 1)[0] ?? '')
    .replace(/\.ko\b.*$/, '')
    .replaceAll('-', '_');
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
