// Device nodes and links of /dev: config-linux.md#devices, #default-devices, runtime-linux.md#dev-symbolic-links.

import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  MOUNT_ATTR_RDONLY,
  O_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  STATX_BASIC_STATS,
} from '../linux/constants.ts';
import { EEXIST, ENOENT, EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { deviceNumber, fileTypeOf, STATX_SIZE, STX_RDEV_MAJOR, STX_RDEV_MINOR } from '../linux/statx.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { OperationError, type Results } from '../stub/results.ts';
import { attach, openInRootArguments, type RootContext, setAttributes } from './context.ts';
import { inDirectory, makeDirectories, makeTarget, targetKind } from './target.ts';

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
  return { path, type: S_IFCHR, major, minor, mode: 0o666, uid: 0, gid: 0 };
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
    property: `linux.devices[${index}]`,
  };
}

/** Default devices and those of the config; an entry of the config replaces the default at the same path. */
export function allDevices(configured: readonly DeviceNode[]): DeviceNode[] {
  const paths = new Set(configured.map(({ path }) => path));
  return [...defaultDevices.filter(({ path }) => !paths.has(path)), ...configured];
}

/** mknod(2) of all devices, or where the kernel refuses that, those of the host bound. Init has umask 0. */
export function makeDevices(context: RootContext, devices: readonly DeviceNode[]): void {
  try {
    makeNodes(context, devices);
  } catch (error) {
    // An ordinary user's container, or a runtime without CAP_MKNOD.
    if (errnoOf(error) !== EPERM) throw error;
    const program = context.init.program();
    const trees = cloneHostDevices(program, devices);
    context.init.run(program);
    bindDevices(context, devices, trees);
  }
}

function makeNodes(context: RootContext, devices: readonly DeviceNode[]): void {
  const byDirectory = Map.groupBy(devices, ({ path }) => posix.dirname(path));
  for (const [directory, nodes] of byDirectory) {
    let made: number[] = [];
    const results = inMadeDirectory(context, directory, (program, fd) => {
      made = nodes.map((node) => makeNode(program, fd, node));
    });
    const isNew = (i: number) => results.at(made[i] ?? -1) === 0;
    for (const node of nodes.filter((_, i) => !isNew(i))) checkExisting(context, node);
    const owned = nodes.filter(({ uid, gid }, i) => isNew(i) && (uid !== 0 || gid !== 0));
    if (owned.length > 0) inDirectory(context, directory, (program, fd) => setOwners(program, fd, owned));
  }
}

/** Runs a program with a descriptor of a directory of the root filesystem, which is made if it is missing. */
function inMadeDirectory(
  context: RootContext,
  directory: string,
  build: Parameters<typeof inDirectory>[2],
): Results {
  try {
    return inDirectory(context, directory, build);
  } catch (error) {
    // The first operation opens the directory.
    if (!(error instanceof OperationError) || error.executed !== 0) throw error;
    makeDirectories(context, directory);
    return inDirectory(context, directory, build);
  }
}

function makeNode(program: Program, directory: number, node: DeviceNode): number {
  program.property = node.property;
  const name = posix.basename(node.path);
  const args = [
    directory,
    name,
    node.type | node.mode,
    node.type === S_IFIFO ? 0 : deviceNumber(node.major, node.minor),
  ];
  return program.call('mknodat', args, `make device ${node.path}`, { ignored: [EEXIST] });
}

/** Of nodes that were made here only: one that was there may be the host's, bound. */
function setOwners(program: Program, directory: number, nodes: readonly DeviceNode[]): void {
  for (const { path, uid, gid, property } of nodes) {
    program.property = property;
    const owner = [directory, posix.basename(path), uid, gid, AT_SYMLINK_NOFOLLOW];
    program.call('fchownat', owner, `set the owner of ${path}`);
  }
}

/** config-linux.md#devices: a file at the path that is another device is an error. */
function checkExisting({ init, root }: RootContext, node: DeviceNode): void {
  const program = init.program();
  const doing = `inspect ${node.path}`;
  const fd = program.open('openat2', openInRootArguments(root, node.path, O_PATH), doing);
  const stat = Buffer.alloc(STATX_SIZE);
  program.call('statx', [fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, stat], doing);
  program.close(fd);
  const bytes = init.run(program).bytes(stat);
  const type = fileTypeOf(bytes);
  const same =
    bytes.readUInt32LE(STX_RDEV_MAJOR) === node.major && bytes.readUInt32LE(STX_RDEV_MINOR) === node.minor;
  if (type !== node.type || (type !== S_IFIFO && !same)) {
    throw new TsociError(`make device ${node.path}: a file that is not this device is there already`);
  }
}

/**
 * Binds devices of the host where mknod(2) is not allowed (user namespaces), and makes the FIFOs, which it always is.
 * `trees` are those of cloneHostDevices.
 */
export function bindDevices(
  context: RootContext,
  devices: readonly DeviceNode[],
  trees: readonly number[],
): void {
  devices.filter(isDevice).forEach((node, i) => {
    withProperty(context.init, node.property, () => bindDevice(context, node, trees[i] ?? -1));
  });
  makeNodes(
    context,
    devices.filter((node) => !isDevice(node)),
  );
}

function bindDevice(context: RootContext, { path }: DeviceNode, tree: number): void {
  makeTarget(context, path, 'file');
  const program = context.init.program();
  const doing = `bind device ${path}`;
  const target = program.open('openat2', openInRootArguments(context.root, path, O_PATH), doing);
  attach(program, tree, target, doing);
  program.close(target);
  program.close(tree);
  context.init.run(program);
}

function isDevice({ type }: DeviceNode): boolean {
  return type !== S_IFIFO;
}

/** open_tree(2) of the host's nodes for all that are devices, run by a stub that has the host's rights. */
export function cloneHostDevices(program: Program, devices: readonly DeviceNode[]): number[] {
  return devices.filter(isDevice).map((node) => {
    program.property = node.property;
    return cloneNode(program, hostNode(node), `open device ${node.path} of the host`);
  });
}

/**
 * A detached mount of a device of the host. Read-only, which a device may be written through all the same: what the
 * container must not change is the owner, mode and times of the host's node.
 */
export function cloneNode(program: Program, path: string, doing: string): number {
  const node = program.open('open_tree', [AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], doing);
  setAttributes(program, node, { set: MOUNT_ATTR_RDONLY }, 0, doing);
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
  if (is(node.path)) return node.path;
  return (
    readdirSync('/dev')
      .map((name) => `/dev/${name}`)
      .find(is) ?? node.path
  );
}

const links: readonly [name: string, target: string][] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

const KCORE = '/proc/kcore';

/** The links of /dev, and /dev/ptmx, which must be that of the container's devpts. */
export function makeDeviceLinks(context: RootContext): void {
  // A kernel may be without it (CONFIG_PROC_KCORE), and a container without /proc.
  const kcore = existsSync(KCORE) && targetKind(context, KCORE) !== undefined;
  inDirectory(context, '/dev', (program, dev) => {
    for (const [name, target] of kcore ? [...links, ['core', KCORE] as const] : links) {
      program.call('symlinkat', [target, dev, name], `link /dev/${name} to ${target}`, { ignored: [EEXIST] });
    }
    program.call('unlinkat', [dev, 'ptmx', 0], 'remove /dev/ptmx', { ignored: [ENOENT] });
    program.call('symlinkat', ['pts/ptmx', dev, 'ptmx'], 'link /dev/ptmx to pts/ptmx');
  });
}
