// Device nodes and links of /dev: config-linux.md#devices, #default-devices, runtime-linux.md#dev-symbolic-links.

import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { isDebugged } from '../linux/attempt.ts';
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  O_PATH,
  S_IFIFO,
  STATX_BASIC_STATS,
} from '../linux/constants.ts';
import { EEXIST, ENOENT, EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { deviceNumber, STATX_SIZE } from '../linux/statx.ts';
import type { Program } from '../stub/program.ts';
import { OperationError, type Results } from '../stub/results.ts';
import { openInRootArguments, type RootContext } from './context.ts';
import { type DeviceNode, isDevice, isThisDevice } from './device-node.ts';
import { attachHostDevices, cloneNodes, type HostDevices } from './host-devices.ts';
import { inDirectory, makeDirectories, programIn, targetKind } from './target.ts';

/** mknod(2) of all devices, or where the kernel refuses that, those of the host bound. Init has umask 0. */
export function makeDevices(context: RootContext, devices: readonly DeviceNode[]): void {
  try {
    makeNodes(context, devices);
  } catch (error) {
    // An ordinary user's container, or a runtime without CAP_MKNOD.
    if (errnoOf(error) !== EPERM) throw error;
    const bound = cloneNodes(context.init, devices.filter(isDevice));
    bindDevices(context, devices, { bound, made: undefined });
  }
}

/** Devices that were opened or made outside, and the FIFOs, which anybody may make. */
export function bindDevices(context: RootContext, devices: readonly DeviceNode[], opened: HostDevices): void {
  attachHostDevices(context, opened);
  makeNodes(
    context,
    devices.filter((node) => !isDevice(node)),
  );
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
  if (!isThisDevice(node, init.run(program).bytes(stat)))
    throw new TsociError(`make device ${node.path}: a file that is not this device is there already`, {
      property: node.property,
    });
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
  const program = programIn(context, '/dev', (program, dev) => {
    for (const [name, target] of kcore ? [...links, ['core', KCORE] as const] : links) {
      program.call('symlinkat', [target, dev, name], `link /dev/${name} to ${target}`, { ignored: [EEXIST] });
    }
    program.call('unlinkat', [dev, 'ptmx', 0], 'remove /dev/ptmx', { ignored: [ENOENT] });
    program.call('symlinkat', ['pts/ptmx', dev, 'ptmx'], 'link /dev/ptmx to pts/ptmx');
  });
  // Whoever looks on sees what fails while it is attempted.
  if (isDebugged()) context.init.run(program);
  else context.init.later(program);
}
