// config.md#mounts, decided: what each entry mounts, and whether its target is a directory or a file.

import { statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { Mount } from '../config/generated/types.ts';
import { TsociError } from '../linux/errors.ts';
import { mountLabelOption } from '../security/lsm.ts';
import type { MountPlan } from './mount.ts';
import { parseMountOptions } from './mount-options.ts';

export interface MountSetting {
  /** The absolute path of the bundle: relative sources start there. */
  bundle: string;
  /** Adds `context=LABEL` to filesystems that take one (linux.mountLabel). */
  label?: string | undefined;
}

export function planMount(mount: Mount, { bundle, label }: MountSetting): MountPlan {
  const options = parseMountOptions(mount.options ?? []);
  // A relative destination is taken from / (config.md#mounts).
  const destination = posix.normalize(`/${mount.destination}`);
  // An old habit of engines: the type "bind" without the option.
  if (mount.type === 'bind' && options.bind === 'no' && !options.remount) options.bind = 'single';
  if (options.bind !== 'no' && !options.remount) {
    if (!mount.source) throw new TsociError(`bind mount on ${destination}: source is missing`);
    const source = resolve(bundle, mount.source);
    return {
      destination,
      kind: isDirectory(source, destination) ? 'directory' : 'file',
      from: { source },
      options,
    };
  }
  if (!mount.type && !options.remount) throw new TsociError(`mount on ${destination}: type is missing`);
  const type = mount.type === 'cgroup' ? 'cgroup2' : (mount.type ?? '');
  const context = mountLabelOption(label, type);
  if (context) options.data.push(context);
  return { destination, kind: 'directory', from: { type, device: mount.source }, options };
}

function isDirectory(source: string, destination: string): boolean {
  try {
    return statSync(source).isDirectory();
  } catch (error) {
    throw TsociError.from(`bind ${source} on ${destination}`, error);
  }
}
