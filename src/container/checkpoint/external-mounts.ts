// External mounts, as criu calls them: what a container has of the host's filesystems. They are no part of a checkpoint. criu
// notes a name for each, and mounts what goes by that name when it restores.
//
// The name of a bind mount is its destination in config.json, and that of a device the path of the host's node: what is
// restored has the sources of the bundle that it is restored from.

import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Config } from '../../config/generated/types.ts';
import { optionsOf } from '../../config/mount-options.ts';
import type { ExternalMount } from '../../criu/messages.ts';
import { TsociError } from '../../linux/errors.ts';
import { type MountInfo, parseMountinfo } from '../../linux/mountinfo.ts';
import type { RootfsPlan } from '../../rootfs/build.ts';
import { isSingleInstance } from '../../rootfs/host-filesystem.ts';
import { ContainerRoot } from './container-root.ts';

/** What lies over masked files is the host's. */
const NULL = '/dev/null';

/** A bind mount of the config. */
export interface Bind {
  /** Its destination. */
  name: string;
  /** Where that is: the destination may lead through links. */
  path: string;
  recursive: boolean;
}

/** The external mounts of a container, for its checkpoint. */
export function externalMounts(init: number, config: Config, notify: string | undefined): ExternalMount[] {
  using root = new ContainerRoot(init);
  const binds = [...bindsOf(config), ...(notify === undefined ? [] : [{ name: notify, recursive: false }])];
  return nameMounts(parseMountinfo(readFileSync(`/proc/${init}/mountinfo`, 'utf8')), {
    binds: binds.map((bind) => ({ ...bind, path: root.real(bind.name) })),
    masked: new Set(config.linux?.maskedPaths?.map((path) => root.real(path))),
    isDevice: (path) => root.isDevice(path),
  });
}

/** The same from what is mounted there: key is the mount point, val the name. */
function nameMounts(
  mounts: readonly MountInfo[],
  {
    binds,
    masked,
    isDevice,
  }: { binds: readonly Bind[]; masked: ReadonlySet<string>; isDevice: (path: string) => boolean },
): ExternalMount[] {
  return mounts.flatMap(({ mountPoint: key, type, root }) => {
    if (key === '/' || type === 'devpts') return [];
    const bind = binds.find(({ path }) => path === key);
    if (bind) return [{ key, val: bind.name }];
    if (masked.has(key) && isDevice(key)) return [{ key, val: NULL }];
    if (isDevice(key) || (isSingleInstance(type) && root === '/')) return [{ key, val: key }];
    const above = binds.find(({ path, recursive }) => recursive && key.startsWith(`${path}/`));
    return above ? [{ key, val: `${above.name}${key.slice(above.path.length)}` }] : [];
  });
}

function bindsOf({ mounts = [] }: Config): Omit<Bind, 'path'>[] {
  return mounts.flatMap((mount, i) => {
    const { bind, remount, idmap } = optionsOf(mount);
    if (idmap !== 'no' || mount.uidMappings)
      throw new TsociError('criu cannot restore a mount with mapped ids', { property: `mounts[${i}]` });
    if (bind === 'no' || remount) return [];
    return [{ name: posix.resolve('/', mount.destination), recursive: bind === 'recursive' }];
  });
}

/** What is mounted by each name, for `restore`: key is the name, val the path on the host. */
export function sourcesOf(
  plan: RootfsPlan | undefined,
  notify: { name: string; source: string },
): ExternalMount[] {
  const binds = (plan?.mounts ?? []).flatMap(({ destination, from, options }) => {
    if (!('source' in from)) return [];
    const { source } = from;
    const below = options.bind === 'recursive' ? mountPointsBelow(source) : [];
    return [
      { key: destination, val: source },
      ...below.map((val) => ({ key: `${destination}${val.slice(source.length)}`, val })),
    ];
  });
  const nodes = new Set([NULL, ...(plan?.devices ?? []).map(({ path }) => path)]);
  return [
    ...binds,
    { key: notify.name, val: notify.source },
    ...[...nodes].map((path) => ({ key: path, val: path })),
  ];
}

function mountPointsBelow(source: string): string[] {
  const above = source === '/' ? source : `${source}/`;
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));
  return mounts
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point.startsWith(above) && point !== '/');
}
