// linux.devices where the container may not make them (mknod(2)): made for it by the rights of the host, or those of the
// host bound.

import { lstatSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFMT,
  S_IFREG,
  STATX_BASIC_STATS,
} from '../linux/constants.ts';
import { EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import {
  deviceNumber,
  fileTypeOf,
  STATX_SIZE,
  STX_GID,
  STX_MODE,
  STX_SIZE,
  STX_UID,
} from '../linux/statx.ts';
import { hostId, type UserMappings } from '../namespaces/mappings.ts';
import { type Program, withProperty } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { attach, openInRootArguments, type RootContext, setAttributes } from './context.ts';
import { type DeviceNode, isThisDevice } from './device-node.ts';
import { addTarget, makeDirectories } from './target.ts';

/** Devices as detached mounts, which init attaches. */
export interface HostDevices {
  /** Nodes of the host, each with its mount, a descriptor in init. */
  bound: readonly { node: DeviceNode; tree: number }[];
  /** Nodes in a filesystem that is nobody else's, each by its place in the list as its name. */
  made: { nodes: readonly DeviceNode[]; filesystem: number } | undefined;
}

/**
 * Run by a stub that has the rights of the host. Those of the config are made, of the mode and owner that it says; the
 * default ones, which have neither, are those of the host. `mappings` are of the container's user namespace.
 */
export function openHostDevices(
  stub: StubProcess,
  devices: readonly DeviceNode[],
  { mappings, label }: { mappings: () => UserMappings; label: string | undefined },
): HostDevices {
  const configured = devices.filter(({ property }) => property !== undefined);
  const defaults = devices.filter(({ property }) => property === undefined);
  if (configured.length === 0) return { bound: cloneNodes(stub, defaults), made: undefined };
  try {
    const filesystem = makeNodes(stub, configured, mappings(), label);
    return { bound: cloneNodes(stub, defaults), made: { nodes: configured, filesystem } };
  } catch (error) {
    // Without CAP_MKNOD, or ourselves in a user namespace.
    if (errnoOf(error) !== EPERM) throw error;
    return { bound: cloneNodes(stub, devices), made: undefined };
  }
}

/** A tmpfs that has nothing but the nodes. It belongs to the host: in one of a user namespace no device can be opened. */
function makeNodes(
  stub: StubProcess,
  nodes: readonly DeviceNode[],
  mappings: UserMappings,
  label: string | undefined,
): number {
  const program = stub.program();
  program.property = 'linux.devices';
  const doing = 'make a filesystem for devices';
  const filesystem = program.open('fsopen', ['tmpfs', FSOPEN_CLOEXEC], doing);
  if (label) program.call('fsconfig', [filesystem, FSCONFIG_SET_STRING, 'context', label, 0], doing);
  program.call('fsconfig', [filesystem, FSCONFIG_CMD_CREATE, 0, 0, 0], doing);
  const mount = program.open('fsmount', [filesystem, FSMOUNT_CLOEXEC, 0], doing);
  program.close(filesystem);
  for (const [i, { path, type, major, minor, mode, given, property }] of nodes.entries()) {
    program.property = property;
    const name = String(i);
    const making = `make device ${path}`;
    program.call('mknodat', [mount, name, type | mode, deviceNumber(major, minor)], making);
    // Another umask than init's.
    program.call('fchmodat', [mount, name, mode], making);
    const uid = ownerOnHost(mappings.uidMappings, given.uid, `${making}: uid`);
    const gid = ownerOnHost(mappings.gidMappings, given.gid, `${making}: gid`);
    program.call('fchownat', [mount, name, uid, gid, AT_SYMLINK_NOFOLLOW], `set the owner of ${path}`);
  }
  stub.run(program);
  return mount;
}

/** Root of the container if the config does not say; where there is none, that of the host. */
function ownerOnHost(
  mappings: UserMappings['uidMappings'],
  given: number | undefined,
  doing: string,
): number {
  const id = hostId(mappings, given ?? 0);
  if (id === undefined && given !== undefined)
    throw new TsociError(`${doing} ${given} is not mapped in the user namespace`);
  return id ?? 0;
}

/** open_tree(2) of the host's nodes. */
export function cloneNodes(stub: StubProcess, nodes: readonly DeviceNode[]): HostDevices['bound'] {
  const program = stub.program();
  const bound = nodes.map((node) => {
    program.property = node.property;
    return { node, tree: cloneNode(program, hostNode(node), `open device ${node.path} of the host`) };
  });
  stub.run(program);
  return bound;
}

/**
 * A detached mount of a device of the host. Read-only, which a device may be written through all the same: what the
 * container must not change is the owner, mode and times of the host's node. Private, since nothing can be mounted below it,
 * and criu has no way to make several nodes follow the one mount of the host's /dev.
 */
export function cloneNode(program: Program, path: string, doing: string): number {
  const node = program.open('open_tree', [AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], doing);
  setAttributes(program, node, { set: MOUNT_ATTR_RDONLY, propagation: MS_PRIVATE }, 0, doing);
  return node;
}

/** The host's name for a device: the same, or else another in /dev. Not a link: /dev/stdin leads each process elsewhere. */
function hostNode(node: DeviceNode): string {
  const is = (path: string): boolean => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return (
      stat !== undefined &&
      (stat.mode & S_IFMT) === node.type &&
      stat.rdev === deviceNumber(node.major, node.minor)
    );
  };
  const names = () => readdirSync('/dev').map((name) => `/dev/${name}`);
  const found = [node.path].concat(is(node.path) ? [] : names()).find(is);
  if (found !== undefined) return found;
  throw new TsociError(
    `make device ${node.path}: not allowed here, and the host has no ${node.major}:${node.minor} to bind, there or in /dev`,
    { errno: EPERM },
  );
}

/** Attaches all, in init. */
export function attachHostDevices(context: RootContext, { bound, made }: HostDevices): void {
  const { init, root } = context;
  const trees: readonly { node: DeviceNode; tree?: number }[] = [
    ...bound,
    ...(made?.nodes ?? []).map((node) => ({ node })),
  ];
  const directories = Map.groupBy(trees, ({ node }) => posix.dirname(node.path));
  for (const [directory, [first]] of directories)
    withProperty(init, first?.node.property, () => makeDirectories(context, directory));
  const program = init.program();
  // Before Linux 6.15 only what is attached can be cloned. Paths in the root go on below it.
  if (made) attach(program, made.filesystem, root, 'mount the devices that were made');
  const looks = trees.map(({ node, tree }, i) => {
    program.property = node.property;
    const doing = `bind device ${node.path}`;
    const created = addTarget(program, root, node.path, 'file');
    const target = program.open('openat2', openInRootArguments(root, node.path, O_PATH), doing);
    const name = String(i - bound.length);
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    const mount = tree ?? program.open('open_tree', [made?.filesystem ?? -1, name, flags], doing);
    const [there, own] = [inspect(program, target, doing), inspect(program, mount, doing)];
    attach(program, mount, target, doing);
    program.close(mount);
    program.close(target);
    return { node, created, there, own };
  });
  if (made) unmount(program, made.filesystem);
  const results = init.run(program);
  for (const { node, created, there, own } of looks) {
    if (results.at(created) !== 0) refuseOther(node, results.bytes(there));
    refuseDifferent(node, results.bytes(own));
  }
}

function inspect(program: Program, fd: number, doing: string): Buffer {
  const stat = Buffer.alloc(STATX_SIZE);
  program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat], doing);
  return stat;
}

/** Of what has no path: from within. */
function unmount(program: Program, mount: number): void {
  const doing = 'unmount the devices that were made';
  program.property = undefined;
  program.call('fchdir', [mount], doing);
  program.call('umount2', ['.', MNT_DETACH], doing);
  program.call('chdir', ['/'], doing);
  program.close(mount);
}

/** config-linux.md#devices: a file at the path that is another is an error; but an empty one is where one was bound before. */
function refuseOther(node: DeviceNode, statx: Buffer): void {
  const isPlace = fileTypeOf(statx) === S_IFREG && statx.readBigUInt64LE(STX_SIZE) === 0n;
  if (!isPlace && !isThisDevice(node, statx))
    throw new TsociError(`make device ${node.path}: a file that is not this device is there already`);
}

/** The mode and owner of a node of the host cannot be what the config wants. */
function refuseDifferent({ path, given }: DeviceNode, statx: Buffer): void {
  const found = {
    fileMode: statx.readUInt16LE(STX_MODE) & 0o7777,
    uid: statx.readUInt32LE(STX_UID),
    gid: statx.readUInt32LE(STX_GID),
  };
  for (const name of ['fileMode', 'uid', 'gid'] as const) {
    const wanted = given[name];
    if (wanted === undefined || wanted === found[name]) continue;
    const show = (value: number) =>
      name === 'fileMode' ? value.toString(8).padStart(4, '0') : String(value);
    throw new TsociError(
      `make device ${path}: not allowed here, and that of the host has ${name} ${show(found[name])}, not ${show(wanted)}`,
      { errno: EPERM },
    );
  }
}
