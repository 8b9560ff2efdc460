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
  path?: undefined;
}

/** Where the mappings of a mount come from: they are listed, or a user namespace has them that the container joins. */
type Lender = Mappings | { path: string };

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
      const lender = lenderOf(mount, config);
      if (!lender) return undefined;
      const key = JSON.stringify(lender);
      const index = known.get(key) ?? fds.length;
      if (!known.has(key)) {
        const { path } = lender;
        fds.push(path === undefined ? makeNamespace(caller, lender, mount.destination) : openNamespace(path));
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
function lenderOf(
  { uidMappings = [], gidMappings = [], options = [], destination }: Mount,
  { linux }: Config,
): Lender | undefined {
  if (uidMappings.length > 0) return { uid: uidMappings, gid: gidMappings };
  if (!options.includes('idmap') && !options.includes('ridmap')) return undefined;
  const path = linux?.namespaces?.find(({ type }) => type === 'user')?.path;
  if (path) return { path };
  if (!linux?.uidMappings?.length || !linux.gidMappings?.length) {
    throw new TsociError(`idmap of ${destination}: neither the mount nor the container has mappings`);
  }
  return { uid: linux.uidMappings, gid: linux.gidMappings };
}

function openNamespace(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw TsociError.from(`open user namespace ${path}`, error);
  }
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
