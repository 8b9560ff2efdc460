// Options that are too long for fsconfig(2): the layers of an overlay one by one, long paths through descriptors, and all
// else by mount(2).

import { release } from 'node:os';
import { keyAndValue, type MountOptions } from '../config/mount-options.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  FSCONFIG_SET_STRING,
  MNT_DETACH,
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_RDONLY,
  MS_SYNCHRONOUS,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { isKernelSince } from '../linux/kernel.ts';
import { quoteLabel } from '../security/lsm.ts';
import type { Program } from '../stub/program.ts';
import { openInRootArguments } from './context.ts';
import { describe, type MountPlan } from './mount-plan.ts';

/** Bytes of a value that fsconfig(2) takes, without the NUL behind it. */
const VALUE_MAX = 255;
/** Bytes of all options together that mount(2) takes, which drops what is behind: a page, with a NUL. */
const OPTIONS_MAX = 4095;

/** Flags of the superblock as mount(2) has them. What takes one back has none. */
const flags: ReadonlyMap<string, { set?: number; clear?: number }> = new Map([
  ['ro', { set: MS_RDONLY }],
  ['sync', { set: MS_SYNCHRONOUS }],
  ['async', { clear: MS_SYNCHRONOUS }],
  ['dirsync', { set: MS_DIRSYNC }],
  ['lazytime', { set: MS_LAZYTIME }],
  ['nolazytime', { clear: MS_LAZYTIME }],
  ['mand', { set: MS_MANDLOCK }],
  ['nomand', { clear: MS_MANDLOCK }],
]);

function isLong(option: string): boolean {
  return Buffer.byteLength(keyAndValue(option)[1] ?? '') > VALUE_MAX;
}

/** Whether a kernel of this release knows lowerdir+ (Linux 6.8). */
export function appendsLayers(kernelRelease: string): boolean {
  return isKernelSince('6.8', kernelRelease);
}

/** The directories of `a:b`, where `\:` and `\\` are a colon and a backslash of a name. */
export function splitLayers(lowerdir: string): string[] {
  const layers = lowerdir.match(/(?:\\.|[^\\:])+/gs) ?? [];
  return layers.map((path) => path.replace(/\\([\\:])/g, '$1'));
}

/** Whether an option is a long one that names directories, for an overlay whose kernel takes them one by one. */
export function isLongPath(type: string, option: string): boolean {
  if (type !== 'overlay' || !isLong(option) || !appendsLayers(release())) return false;
  const [key, value = ''] = keyAndValue(option);
  // Behind `::` come layers of another kind.
  return key === 'upperdir' || key === 'workdir' || (key === 'lowerdir' && !value.includes('::'));
}

/** Adds what sets an option that isLongPath. */
export function setLongPath(program: Program, filesystem: number, option: string, doing: string): void {
  const [key, value = ''] = keyAndValue(option);
  const paths = key === 'lowerdir' ? splitLayers(value) : [value];
  for (const path of paths) {
    const what = `${doing}: option ${key}, ${path}`;
    const set = (text: string) =>
      program.call(
        'fsconfig',
        [filesystem, FSCONFIG_SET_STRING, key === 'lowerdir' ? 'lowerdir+' : key, text, 0],
        what,
      );
    if (Buffer.byteLength(path) <= VALUE_MAX) set(path);
    else {
      const fd = program.open('openat', [AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], what);
      set(`/proc/self/fd/${fd}`);
      program.close(fd);
    }
  }
}

/** Whether options can be given to mount(2) alone. */
export function isForMount(type: string, { data }: MountOptions): boolean {
  return data.some((option) => isLong(option) && !isLongPath(type, option));
}

/** The options of a filesystem as mount(2) takes them: flags, and a text. */
export function optionsOfMount(options: readonly string[]): { bits: number; data: string } {
  let bits = 0;
  for (const option of options) {
    const { set = 0, clear = 0 } = flags.get(option) ?? {};
    bits = (bits & ~clear) | set;
  }
  const others = options.filter((option) => !flags.has(option));
  return { bits, data: others.map(quoteLabel).join(',') };
}

/**
 * Adds what makes a detached mount by mount(2): on its target, which `target` is a descriptor of, from where it is taken
 * off again. `options` are all of the filesystem.
 */
export function mountAtOnce(
  program: Program,
  { root, target }: { root: number; target: number },
  plan: MountPlan,
  { type, device }: { type: string; device: string | undefined },
  options: readonly string[],
): number {
  const doing = describe(plan);
  const { bits, data } = optionsOfMount(options);
  const { length } = Buffer.from(data);
  if (length > OPTIONS_MAX)
    throw new TsociError(`${doing}: its options have ${length} bytes; mount(2) takes ${OPTIONS_MAX}`);
  const path = `/proc/self/fd/${target}`;
  program.call('mount', [device ?? type, path, type, bits, data], `${doing}: options ${data}`);
  const mounted = program.open('openat2', openInRootArguments(root, plan.destination), doing);
  const cloning = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  const mount = program.open('open_tree', [mounted, '', cloning], doing);
  program.call('umount2', [`/proc/self/fd/${mounted}`, MNT_DETACH], doing);
  program.close(mounted);
  return mount;
}
