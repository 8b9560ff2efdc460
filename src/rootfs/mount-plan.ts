// config.md#mounts, decided: what each entry mounts, and whether its target is a directory or a file.

import { statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { Mount } from '../config/generated/types.ts';
import { type MountOptions, optionsOf } from '../config/mount-options.ts';
import { TsociError } from '../linux/errors.ts';
import { isIn, leadsInto, RealPaths } from '../linux/files.ts';
import { isLabelOption, type Labelling, labelling } from '../security/lsm.ts';
import { isSingleInstance } from './single-instance.ts';
import type { TargetKind } from './target.ts';

/** A mount, decided: what comes from where, and goes where. */
export interface MountPlan {
  /** Path as the container will see it. */
  destination: string;
  /** Undefined: what is bound is known only when its turn comes. */
  kind: TargetKind | undefined;
  from: MountOrigin;
  options: MountOptions;
  /** A descriptor in init of the user namespace whose mappings the mount gets (idmap, ridmap). */
  idmapNamespace?: number | undefined;
  /** linux.mountLabel, and how the filesystem takes it. */
  label?: Labelling | undefined;
  /** The property of config.json that asks for it. */
  property?: string;
}

export type MountOrigin =
  /**
   * A bind mount of a path of the runtime's mount namespace; with `late` of init's, which has on it what is mounted
   * before.
   */
  | { source: string; late?: boolean }
  /** A bind mount of a tree that was cloned before (open_tree), a descriptor in init. */
  | { tree: number }
  /** A new instance of a filesystem. */
  | { type: string; device: string | undefined };

export interface MountSetting {
  /** The absolute path of the bundle: relative sources start there. */
  bundle: string;
  /** The root filesystem, as realpath(3) has it: what is bound from there may come from a mount before. */
  rootfs: string;
  /** The SELinux context of new filesystems (linux.mountLabel). */
  label?: string | undefined;
  /** Whether the ipc namespace is the container's: a label of its mqueue is not the host's then. */
  ownIpc?: boolean;
  /** Of sources that were looked up for other mounts. */
  realPaths?: RealPaths;
}

export function planMount(mount: Mount, setting: MountSetting): MountPlan {
  const { bundle, label, ownIpc } = setting;
  const options = optionsOf(mount);
  // A relative destination is taken from / (config.md#mounts).
  const destination = posix.resolve('/', mount.destination);
  if (options.bind !== 'no' && !options.remount) {
    if (!mount.source) throw new TsociError(`bind mount on ${destination}: source is missing`);
    const source = resolve(bundle, mount.source);
    const { late, kind } = lookAtSource(source, destination, setting);
    return { destination, kind, from: { source, late }, options };
  }
  if (!mount.type && !options.remount) throw new TsociError(`mount on ${destination}: type is missing`);
  const type = mount.type === 'cgroup' ? 'cgroup2' : (mount.type ?? '');
  const plan: MountPlan = { destination, kind: 'directory', from: { type, device: mount.source }, options };
  // What the kernel has one instance of is the host's, too. A label of the mount's own is the one that is meant.
  const isLabelled = options.remount || isSingleInstance(type) || options.data.some(isLabelOption);
  if (label && !isLabelled) plan.label = labelling(type, label, { ownIpc });
  return plan;
}

/** Whether what is bound comes from the root filesystem, where it may be mounted before; if not, what it is. */
function lookAtSource(
  source: string,
  destination: string,
  { rootfs, realPaths = new RealPaths() }: MountSetting,
): { late: boolean; kind: TargetKind | undefined } {
  const found = realPaths.find(source);
  const late = found ? isIn(rootfs, found.path) : leadsInto(rootfs, source);
  if (late) return { late, kind: undefined };
  try {
    const { isDirectory } = found ?? { isDirectory: statSync(source).isDirectory() };
    return { late, kind: isDirectory ? 'directory' : 'file' };
  } catch (error) {
    throw TsociError.from(`bind ${source} on ${destination}`, error);
  }
}

export function describe({ destination, from }: MountPlan): string {
  if ('type' in from) return `mount ${from.type} on ${destination}`;
  return 'source' in from ? `bind ${from.source} on ${destination}` : `bind on ${destination}`;
}

/** What is set for a mount that has nothing below it: what is asked for recursively is asked of it. */
export function attributesOf({ attributes, recursiveAttributes: { set, clear } }: MountOptions): number {
  return (attributes.set & ~clear) | set;
}
