// Devices of a container, decided: config-linux.md#devices, #default-devices.

import { posix } from 'node:path';
import { S_IFBLK, S_IFCHR, S_IFIFO } from '../linux/constants.ts';
import { TsociError } from '../linux/errors.ts';
import { fileTypeOf, STX_RDEV_MAJOR, STX_RDEV_MINOR } from '../linux/statx.ts';

export interface DeviceNode {
  path: string;
  /** S_IFCHR, S_IFBLK or S_IFIFO. */
  type: number;
  major: number;
  minor: number;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** What the config says of these. */
  given: { fileMode?: number | undefined; uid?: number | undefined; gid?: number | undefined };
  /** Its entry of config.json; undefined: one that every container gets. */
  property?: string;
}

/** devices(4): the character devices that every container gets. */
const defaultDevices: readonly DeviceNode[] = [
  characterDevice('/dev/null', 1, 3),
  characterDevice('/dev/zero', 1, 5),
  characterDevice('/dev/full', 1, 7),
  characterDevice('/dev/random', 1, 8),
  characterDevice('/dev/urandom', 1, 9),
  characterDevice('/dev/tty', 5, 0),
];

function characterDevice(path: string, major: number, minor: number): DeviceNode {
  return { path, type: S_IFCHR, major, minor, mode: 0o666, uid: 0, gid: 0, given: {} };
}

const letters: Readonly<Record<string, number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

/** An entry of linux.devices. */
export function deviceNode(
  device: {
    path: string;
    type: string;
    major?: number | bigint;
    minor?: number | bigint;
    fileMode?: number;
    uid?: number;
    gid?: number;
  },
  index: number,
): DeviceNode {
  const type = letters[device.type];
  if (type === undefined) throw new TsociError(`device ${device.path}: unknown type ${device.type}`);
  return {
    path: posix.normalize(`/${device.path}`),
    type,
    major: Number(device.major ?? 0),
    minor: Number(device.minor ?? 0),
    mode: (device.fileMode ?? 0o666) & 0o7777,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
    given: {
      fileMode: device.fileMode === undefined ? undefined : device.fileMode & 0o7777,
      uid: device.uid,
      gid: device.gid,
    },
    property: `linux.devices[${index}]`,
  };
}

/** Default devices and those of the config; an entry of the config replaces the default at the same path. */
export function allDevices(configured: readonly DeviceNode[]): DeviceNode[] {
  const paths = new Set(configured.map(({ path }) => path));
  return [...defaultDevices.filter(({ path }) => !paths.has(path)), ...configured];
}

/** Whether it is none that anybody may make. */
export function isDevice({ type }: DeviceNode): boolean {
  return type !== S_IFIFO;
}

/** Whether a struct statx is of this device. */
export function isThisDevice({ type, major, minor }: DeviceNode, statx: Buffer): boolean {
  if (fileTypeOf(statx) !== type) return false;
  if (type === S_IFIFO) return true;
  return statx.readUInt32LE(STX_RDEV_MAJOR) === major && statx.readUInt32LE(STX_RDEV_MINOR) === minor;
}
