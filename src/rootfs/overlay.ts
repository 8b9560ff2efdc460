// An overlay as the root filesystem: layers of the host below, one that is written above
// (Documentation/filesystems/overlayfs.rst).
//
// Every directory is opened first and named /proc/self/fd/N: paths may then be of any length (fsconfig(2) takes 255
// bytes) and have colons and commas.

import { statSync } from 'node:fs';
import { release } from 'node:os';
import { resolve } from 'node:path';
import type { Config } from '../config/generated/types.ts';
import {
  AT_FDCWD,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OVERLAYFS_SUPER_MAGIC,
} from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { inUserNamespace } from '../linux/procfs.ts';
import { isolates, planNamespaces } from '../namespaces/namespace-plan.ts';
import { STAT_SIZE } from '../security/checked-procfs.ts';
import { quoteLabel } from '../security/lsm.ts';
import { type Program, withProperty } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { attach } from './context.ts';
import { explain } from './filesystem.ts';
import { appendsLayers, splitLayers } from './long-options.ts';
import { openRoot } from './root.ts';

/** Annotations of a config. Relative paths start at the bundle. */
export const LOWERDIR = 'org.tsoci.overlay.lowerdir';
export const UPPERDIR = 'org.tsoci.overlay.upperdir';
export const WORKDIR = 'org.tsoci.overlay.workdir';

/** OVL_MAX_STACK of fs/overlayfs/params.h. */
const MOST_LAYERS = 500;

export interface OverlayPlan {
  /** Absolute paths of the layers below, the topmost first. */
  lower: readonly string[];
  /** Whether the annotation names them. */
  named: boolean;
  /** What is written; undefined: a layer in memory, which nothing but the container's mount namespace holds. */
  written: { upper: string; work: string } | undefined;
  /** Permission bits of the root directory, those of the topmost layer, for a layer in memory. */
  mode: number;
  /** Marks of deleted files are attributes that root of a user namespace may set. */
  userxattr: boolean;
  /** The SELinux context of all its files: linux.mountLabel. */
  label: string | undefined;
  /** Whether the kernel takes layers one by one (lowerdir+). */
  appends: boolean;
}

/** What is asked for with --overlay or by annotations; undefined: no overlay. */
export function planOverlay(
  config: Config,
  bundle: string,
  rootfs: string,
  overlay: boolean,
): OverlayPlan | undefined {
  const { [LOWERDIR]: lowerdir, [UPPERDIR]: upperdir, [WORKDIR]: workdir } = config.annotations ?? {};
  if (!overlay && lowerdir === undefined && upperdir === undefined && workdir === undefined) return undefined;
  if (overlay && upperdir !== undefined)
    throw new TsociError(`--overlay and the annotation ${UPPERDIR} exclude each other`);
  if ((upperdir === undefined) !== (workdir === undefined))
    throw new TsociError(`the annotations ${UPPERDIR} and ${WORKDIR} need each other`);
  const at = (path: string) => resolve(bundle, path);
  const lower = lowerdir === undefined ? [rootfs] : parseLowerdir(lowerdir).map(at);
  if (lower.length > MOST_LAYERS)
    throw new TsociError(`${LOWERDIR}: ${lower.length} layers; the kernel takes ${MOST_LAYERS}`);
  const written =
    upperdir === undefined || workdir === undefined ? undefined : { upper: at(upperdir), work: at(workdir) };
  for (const path of lower) checkDirectory(LOWERDIR, path);
  if (written) {
    checkDirectory(UPPERDIR, written.upper);
    checkDirectory(WORKDIR, written.work);
    if (holds(written.upper, written.work) || holds(written.work, written.upper))
      throw new TsociError(`the annotations ${UPPERDIR} and ${WORKDIR} need directories apart`);
  }
  return {
    lower,
    named: lowerdir !== undefined,
    written,
    mode: statSync(lower[0] ?? rootfs).mode & 0o7777,
    label: config.linux?.mountLabel,
    userxattr: isolates(planNamespaces(config.linux?.namespaces ?? []), 'user') || inUserNamespace(),
    appends: appendsLayers(release()),
  };
}

function holds(directory: string, path: string): boolean {
  return `${path}/`.startsWith(`${directory}/`);
}

/** `a:b`, where `\:` and `\\` are a colon and a backslash of a name; or a JSON array of strings. */
export function parseLowerdir(text: string): string[] {
  const layers = text.startsWith('[') ? parseArray(text) : splitLayers(text);
  if (!layers || layers.length === 0 || layers.includes(''))
    throw new TsociError(`annotation ${LOWERDIR}: ${JSON.stringify(text)} is no list of directories`);
  return layers;
}

function parseArray(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((path) => typeof path === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

function checkDirectory(annotation: string, path: string): void {
  try {
    if (!statSync(path).isDirectory())
      throw new TsociError(`annotation ${annotation}: ${path} is no directory`);
  } catch (error) {
    throw error instanceof TsociError ? error : TsociError.from(`annotation ${annotation}: ${path}`, error);
  }
}

/** Mounts the overlay on the directory of the root filesystem, which is open in init; its own descriptor there. */
export function mountOverlay(init: StubProcess, target: number, rootfs: string, plan: OverlayPlan): number {
  const program = init.program();
  const mounting = { program, target, rootfs, plan };
  if (!plan.appends) {
    const { root, statfs } = mountAtOnce(mounting);
    // f_type comes first.
    if (Number(init.run(program).bytes(statfs).readBigInt64LE(0)) !== OVERLAYFS_SUPER_MAGIC)
      throw new TsociError(`mount an overlay on ${rootfs}: it is another directory meanwhile`);
    return root;
  }
  const { root, filesystem } = mountOneByOne(mounting);
  try {
    init.run(program);
  } catch (error) {
    throw explain(init, filesystem, error);
  }
  return root;
}

interface Mounting {
  program: Program;
  /** The directory that the overlay is mounted on, opened before anything lies over it. */
  target: number;
  rootfs: string;
  plan: OverlayPlan;
}

/** The directories of the layer that is written, as paths that lead through descriptors. */
interface Layer {
  upper: string;
  work: string;
  opened: readonly number[];
}

function openDirectory(program: Program, path: string): number {
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  return program.open('openat', [AT_FDCWD, path, flags, 0], `open ${path}`);
}

/** The layers below. The root filesystem itself is the one that the overlay is mounted on. */
function openLower({ program, target, rootfs, plan }: Mounting): { path: string; fd: number }[] {
  return plan.lower.map((path) => ({ path, fd: path === rootfs ? target : openDirectory(program, path) }));
}

function openLayer({ program, target, rootfs, plan }: Mounting): Layer {
  if (!plan.written) return makeLayer(program, target, plan.mode, `lay a writable layer over ${rootfs}`);
  const upper = openDirectory(program, plan.written.upper);
  const work = openDirectory(program, plan.written.work);
  return { upper: String(upper), work: String(work), opened: [upper, work] };
}

/** A tmpfs over the target, below the overlay to come: older kernels take no layer of a mount that is attached nowhere. */
function makeLayer(program: Program, target: number, mode: number, doing: string): Layer {
  const filesystem = program.open('fsopen', ['tmpfs', FSOPEN_CLOEXEC], doing);
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, 0], doing);
  program.close(filesystem);
  program.call('mkdirat', [mount, 'upper', mode], doing);
  program.call('mkdirat', [mount, 'work', 0o755], doing);
  attach(program, mount, target, doing);
  return { upper: `${mount}/upper`, work: `${mount}/work`, opened: [mount] };
}

/** What wants a part of the overlay: an annotation, or --overlay over the root filesystem. */
function property(annotation: string, given: boolean): string {
  return given ? `annotations[${JSON.stringify(annotation)}]` : 'root.path';
}

function mountOneByOne(mounting: Mounting): { root: number; filesystem: number } {
  const { program, target, rootfs, plan } = mounting;
  const doing = `mount an overlay on ${rootfs}`;
  const filesystem = program.open('fsopen', ['overlay', FSOPEN_CLOEXEC], doing);
  const set = (key: string, path: string, what: string) => {
    const args = [filesystem, FSCONFIG_SET_STRING, key, `/proc/self/fd/${path}`, 0];
    program.call('fsconfig', args, `${doing}: ${what}`);
  };
  withProperty(program, property(LOWERDIR, plan.named), () => {
    for (const { path, fd } of openLower(mounting)) {
      set('lowerdir+', String(fd), `layer ${path}`);
      if (fd !== target) program.close(fd);
    }
  });
  const layer = withProperty(program, property(UPPERDIR, plan.written !== undefined), () => {
    const opened = openLayer(mounting);
    set('upperdir', opened.upper, `upper layer ${plan.written?.upper ?? 'in memory'}`);
    set('workdir', opened.work, `work directory ${plan.written?.work ?? 'in memory'}`);
    return opened;
  });
  if (plan.userxattr)
    program.call('fsconfig', [filesystem, FSCONFIG_SET_FLAG, 'userxattr', 0, 0], `${doing}: userxattr`);
  if (plan.label) {
    const args = [filesystem, FSCONFIG_SET_STRING, 'context', plan.label, 0];
    withProperty(program, 'linux.mountLabel', () => {
      program.call('fsconfig', args, `${doing}: mountLabel ${plan.label}`);
    });
  }
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const root = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, 0], doing);
  program.close(filesystem);
  attach(program, root, target, doing);
  for (const fd of [...layer.opened, target]) program.close(fd);
  return { root, filesystem };
}

/** mount(2), whose options are a page at most: descriptors by their numbers alone, in the directory that has them. */
function mountAtOnce(where: Mounting): { root: number; statfs: Buffer } {
  const { program, target, rootfs, plan } = where;
  const doing = `mount an overlay on ${rootfs}`;
  const lower = openLower(where).map(({ fd }) => fd);
  const layer = openLayer(where);
  const options = [`lowerdir=${lower.join(':')}`, `upperdir=${layer.upper}`, `workdir=${layer.work}`];
  if (plan.userxattr) options.push('userxattr');
  if (plan.label) options.push(quoteLabel(`context=${plan.label}`));
  const mounting = plan.label ? `${doing}, linux.mountLabel ${plan.label}` : doing;
  program.call('chdir', ['/proc/self/fd'], doing);
  program.call('mount', ['overlay', String(target), 'overlay', 0, options.join(',')], mounting);
  program.call('chdir', ['/'], doing);
  // What lies over a directory is found by its path alone.
  const root = openRoot(program, rootfs);
  const statfs = Buffer.alloc(STAT_SIZE);
  program.call('fstatfs', [root, statfs], doing);
  for (const fd of new Set([...lower, ...layer.opened, target])) program.close(fd);
  return { root, statfs };
}
