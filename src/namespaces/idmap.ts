// User namespaces that only lend their mappings to mounts: config.md#posix-platform-mounts, uidMappings;
// mount_setattr(2), MOUNT_ATTR_IDMAP.

import { constants, openSync } from 'node:fs';
import type { Config, Mount } from '../config/generated/types.ts';
import type { Caller } from '../launcher/caller.ts';
import { CLONE_NEWUSER } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { type IdMapping, writeMappings } from './mappings.ts';

interface Mappings {
  uid: readonly IdMapping[];
  gid: readonly IdMapping[];
}

/** For each mount the index of its user namespace among `fds`, if it has one. */
export interface IdmapNamespaces {
  indices: (number | undefined)[];
  /** Descriptors of ours; equal mappings share one. */
  fds: number[];
  close(): void;
}

export function openIdmapNamespaces(caller: Caller, config: Config): IdmapNamespaces {
  const known = new Map<string, number>();
  const fds: number[] = [];
  const close = () => {
    for (const fd of fds) closeDescriptor(fd);
  };
  try {
    const indices = (config.mounts ?? []).map((mount) => {
      const mappings = mappingsOf(mount, config);
      if (!mappings) return undefined;
      const key = JSON.stringify(mappings);
      const index = known.get(key) ?? fds.length;
      if (!known.has(key)) {
        fds.push(makeNamespace(caller, mappings, mount.destination));
        known.set(key, index);
      }
      return index;
    });
    return { indices, fds, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The mappings of the mount itself; with the option idmap or ridmap alone, those of the container. */
function mappingsOf(
  { uidMappings = [], gidMappings = [], options = [], destination }: Mount,
  { linux }: Config,
): Mappings | undefined {
  if (uidMappings.length > 0) return { uid: uidMappings, gid: gidMappings };
  if (!options.includes('idmap') && !options.includes('ridmap')) return undefined;
  if (!linux?.uidMappings?.length || !linux.gidMappings?.length) {
    throw new TsociError(`idmap of ${destination}: neither the mount nor the container has mappings`);
  }
  return { uid: linux.uidMappings, gid: linux.gidMappings };
}

function makeNamespace(caller: Caller, { uid, gid }: Mappings, destination: string): number {
  const boot = StubProcess.spawn(caller.launcher, { stdio: caller.stdio, role: 'idmap' });
  try {
    const doing = `make a user namespace for the mount on ${destination}`;
    const holder = boot.clone(CLONE_NEWUSER, doing, undefined, 'idmap');
    try {
      const namespace = holder.onHost((pid) => {
        writeMappings(pid, uid, gid, { uid: caller.uid, path: caller.env.PATH });
        return openSync(`/proc/${pid}/ns/user`, constants.O_RDONLY);
      });
      return namespace ?? -1;
    } finally {
      holder.dismiss();
    }
  } finally {
    boot.dismiss();
  }
}
