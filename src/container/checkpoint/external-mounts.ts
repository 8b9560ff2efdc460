// External mounts, as criu calls them: what a container has of the host's filesystems. They are no part of a checkpoint. criu
// notes a name for each, and mounts what goes by that name when it restores.
//
// The name of a bind mount is its destination in config.json, and that of a device the path of the host's node: what is
// restored has the sources of the bundle that it is restored from.
//
// Where a mount is now is up to the container: its root can rename the directories above, and put links in their place. Under
// the name of a read-only mount a writable one would then be restored with the source of the first, and be writable still
// (CVE-2026-119101 of runc, CVE-2026-115520 of crun). So a mount gets a name only if it has the attributes that the config
// gives to what has the name.

import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { Config } from '../../config/generated/types.ts';
import { optionsOf } from '../../config/mount-options.ts';
import type { ExternalMount } from '../../criu/messages.ts';
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
} from '../../linux/constants.ts';
import { TsociError } from '../../linux/errors.ts';
import { type MountInfo, parseMountinfo } from '../../linux/mountinfo.ts';
import type { RootfsPlan } from '../../rootfs/build.ts';
import { isSingleInstance } from '../../rootfs/single-instance.ts';
import { ContainerRoot } from './container-root.ts';

/** What lies over masked files is the host's. */
const NULL = '/dev/null';

/** Attributes that confine, as mountinfo names them (proc_pid_mountinfo(5)). */
const CONFINING: readonly (readonly [attribute: number, name: string])[] = [
  [MOUNT_ATTR_RDONLY, 'ro'],
  [MOUNT_ATTR_NOSUID, 'nosuid'],
  [MOUNT_ATTR_NODEV, 'nodev'],
  [MOUNT_ATTR_NOEXEC, 'noexec'],
  [MOUNT_ATTR_NOSYMFOLLOW, 'nosymfollow'],
];

/** A bind mount of the config. */
export interface Bind {
  /** Its destination. */
  name: string;
  /** Where that is: the destination may lead through links. */
  path: string;
  recursive: boolean;
  /** MOUNT_ATTR_* that the config gives to the mount, and to all below it. */
  attributes: number;
  recursiveAttributes: number;
  /** Its entry of config.json; undefined for a mount of ours. */
  property: string | undefined;
}

/** The external mounts of a container, for its checkpoint. */
export function externalMounts(init: number, config: Config, notify: string | undefined): ExternalMount[] {
  using root = new ContainerRoot(init);
  const none = { recursive: false, attributes: 0, recursiveAttributes: 0, property: undefined };
  const binds = [...bindsOf(config), ...(notify === undefined ? [] : [{ name: notify, ...none }])];
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
  return mounts.flatMap((mount) => {
    const { mountPoint: key, type, root } = mount;
    if (key === '/' || type === 'devpts') return [];
    const bind = binds.find(({ path }) => path === key);
    if (bind) {
      checkAttributes(mount, bind, bind.attributes | bind.recursiveAttributes);
      return [{ key, val: bind.name }];
    }
    if (masked.has(key) && isDevice(key)) return [{ key, val: NULL }];
    if (isDevice(key) || (isSingleInstance(type) && root === '/')) return [{ key, val: key }];
    const above = binds.find(({ path, recursive }) => recursive && key.startsWith(`${path}/`));
    if (!above) return [];
    checkAttributes(mount, above, above.recursiveAttributes);
    return [{ key, val: `${above.name}${key.slice(above.path.length)}` }];
  });
}

function checkAttributes({ mountPoint, options }: MountInfo, bind: Bind, attributes: number): void {
  const missing = CONFINING.filter(([bit, name]) => attributes & bit && !options.includes(name));
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name).join(', ');
  const hint = 'what the container has moved or changed cannot be restored';
  throw new TsociError(
    `the mount on ${mountPoint} is not ${names}, as ${bind.property} of the config is; ${hint}`,
  ).for(bind.property);
}

/** `remount` gives what was mounted before on the same destination its own attributes. */
function bindsOf({ mounts = [] }: Config): Omit<Bind, 'path'>[] {
  const binds = new Map<string, Omit<Bind, 'path'>>();
  for (const [i, mount] of mounts.entries()) {
    const property = `mounts[${i}]`;
    const { bind, remount, idmap, attributes, recursiveAttributes } = optionsOf(mount);
    if (idmap !== 'no' || mount.uidMappings)
      throw new TsociError('criu cannot restore a mount with mapped ids', { property });
    const name = posix.resolve('/', mount.destination);
    const before = remount ? binds.get(name) : undefined;
    const own = { attributes: attributes.set, recursiveAttributes: recursiveAttributes.set, property };
    if (before) Object.assign(before, own);
    else if (bind !== 'no' && !remount) binds.set(name, { name, recursive: bind === 'recursive', ...own });
  }
  return [...binds.values()];
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
