// The root filesystem, step by step, up to the point where init could pivot into it.

import { readFileSync } from 'node:fs';
import type { Config } from '../config/generated/types.ts';
import { propagations } from '../config/mount-options.ts';
import { AT_RECURSIVE, MOUNT_ATTR_RDONLY, MS_SHARED, MS_SLAVE } from '../linux/constants.ts';
import { EPERM } from '../linux/errno.ts';
import { forProperty } from '../linux/errors.ts';
import { mountPointOf } from '../linux/mountinfo.ts';
import type { UserMappings } from '../namespaces/mappings.ts';
import { isolates, planNamespaces } from '../namespaces/namespace-plan.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { OperationError } from '../stub/results.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { bindAttributes, cloneTree, explainBind } from './bind.ts';
import { type BuildContext, setAttributes } from './context.ts';
import { allDevices, type DeviceNode, deviceNode, isDevice } from './device-node.ts';
import { bindDevices, makeDeviceLinks, makeDevices } from './devices.ts';
import { cloneNode, type HostDevices, openHostDevices } from './host-devices.ts';
import { bindHostFilesystems } from './host-filesystem.ts';
import { mountAll } from './mount.ts';
import { describe, type MountPlan, planMount } from './mount-plan.ts';
import { explainAccess } from './mount-refusal.ts';
import { mountOverlay, type OverlayPlan, planOverlay } from './overlay.ts';
import { isolateMounts, makeParentPrivate, makeRootReadOnly, mountRoot, setRootPropagation } from './root.ts';
import { makeDirectories } from './target.ts';

export interface RootfsPlan {
  rootfs: string;
  /** What is mounted there in place of it. */
  overlay: OverlayPlan | undefined;
  mounts: MountPlan[];
  /** Undefined when the config binds a /dev of its own. */
  devices: DeviceNode[] | undefined;
  /** The SELinux context of filesystems (linux.mountLabel). */
  label: string | undefined;
  cwd: string | undefined;
  readonly: boolean;
  propagation: string | undefined;
  /** The mount point that holds the root filesystem, where it must be made private for pivot_root. */
  parent: string | undefined;
}

export function planRootfs(config: Config, bundle: string, rootfs: string, overlay: boolean): RootfsPlan {
  const { mountLabel: label, rootfsPropagation: propagation, devices = [] } = config.linux ?? {};
  const mounts = (config.mounts ?? []).map((mount, i) => ({
    ...forProperty(`mounts[${i}]`, () => planMount(mount, { bundle, rootfs, label })),
    property: `mounts[${i}]`,
  }));
  const shared = propagations.get(propagation ?? '')?.type === MS_SHARED;
  // A user namespace is refused them (mount-refusal.ts).
  if (!isolates(planNamespaces(config.linux?.namespaces ?? []), 'user')) bindHostFilesystems(mounts);
  return {
    rootfs,
    overlay: planOverlay(config, bundle, rootfs, overlay),
    mounts,
    devices: mounts.some(bindsDev) ? undefined : allDevices(devices.map(deviceNode)),
    label,
    cwd: config.process?.cwd,
    readonly: config.root?.readonly ?? false,
    propagation,
    parent: shared ? mountPointOf(readFileSync('/proc/self/mountinfo', 'utf8'), rootfs) : undefined,
  };
}

/** Whether it binds a whole /dev from elsewhere, or mounts that of the host: then nothing is made in it. */
function bindsDev({ destination, from, options }: MountPlan): boolean {
  return destination === '/dev' && !options.remount && (!('type' in from) || from.type === 'devtmpfs');
}

/** Descriptors of what only the host's rights can open, for an init that has not got them (a user namespace). */
export interface HostTrees {
  mounts: (number | undefined)[];
  devices: HostDevices | undefined;
}

/** Opens them in the boot stub, before it enters a user namespace; its clone has them too. */
function openHostTrees(boot: StubProcess, plan: RootfsPlan, mappings: () => UserMappings): HostTrees {
  const program = boot.program();
  const mounts = plan.mounts.map((mount) => {
    // Ids are mapped by the rights of the host alone.
    const late = 'source' in mount.from && mount.from.late && mount.idmapNamespace === undefined;
    if (!('source' in mount.from) || late) return undefined;
    program.property = mount.property;
    const doing = describe(mount);
    const tree = cloneTree(program, mount.from.source, mount.options, doing);
    // What isolateMounts does to the mounts that init gets by its new namespace.
    setAttributes(program, tree, { propagation: MS_SLAVE }, AT_RECURSIVE, doing);
    bindAttributes(program, tree, mount, doing);
    return tree;
  });
  try {
    boot.run(program);
  } catch (error) {
    // One that is none of this mount's comes back as it is.
    throw plan.mounts.reduce((told, mount) => explainBind(mount, told), error);
  }
  const { devices, label } = plan;
  return { mounts, devices: devices && openHostDevices(boot, devices.filter(isDevice), { mappings, label }) };
}

/**
 * The same, or undefined where we are root of a user namespace that has not made the mount namespace we are in: then init
 * has the rights, in the one of its own.
 */
export function tryOpenHostTrees(
  boot: StubProcess,
  plan: RootfsPlan,
  mappings: () => UserMappings,
): HostTrees | undefined {
  try {
    return openHostTrees(boot, plan, mappings);
  } catch (error) {
    if (error instanceof OperationError && error.executed === 0 && error.errno === EPERM) return undefined;
    throw error;
  }
}

/** Mounts everything; returns the context for the steps after. Init has umask 0. */
export function buildRootfs(init: StubProcess, plan: RootfsPlan, trees: HostTrees | undefined): BuildContext {
  try {
    return build(init, plan, trees);
  } catch (error) {
    throw explainAccess(error);
  }
}

function build(init: StubProcess, plan: RootfsPlan, trees: HostTrees | undefined): BuildContext {
  const program = init.program();
  if (plan.propagation) program.property = 'linux.rootfsPropagation';
  isolateMounts(program, plan.propagation);
  makeParentPrivate(program, plan.rootfs, plan.parent);
  program.property = 'root.path';
  const bound = plan.overlay ? -1 : mountRoot(program, plan.rootfs);
  init.later(program);
  const { rootfs, overlay } = plan;
  const root = overlay ? withProperty(init, 'root.path', () => mountOverlay(init, rootfs, overlay)) : bound;
  const context: BuildContext = { init, root, readonlyLater: [] };
  mountAll(
    context,
    plan.mounts.map((mount, i) => opened(mount, trees?.mounts[i])),
  );
  if (plan.devices) {
    if (trees?.devices) bindDevices(context, plan.devices, trees.devices);
    else makeDevices(context, plan.devices);
    makeDeviceLinks(context);
  }
  const { cwd } = plan;
  if (cwd) withProperty(init, 'process.cwd', () => makeDirectories(context, cwd));
  return context;
}

/** A mount of the tree that was opened for it, if there is one. */
function opened(plan: MountPlan, tree: number | undefined): MountPlan {
  if (tree === undefined) return plan;
  const nothing = { set: 0, clear: 0 };
  // The attributes are set already.
  const options = { ...plan.options, named: false, attributes: nothing, recursiveAttributes: nothing };
  return { ...plan, from: { tree }, options, idmapNamespace: undefined };
}

/** What comes after pivot_root: attributes of mounts in which all has been made, and the root's own. */
export function finishRoot(program: Program, { root, readonlyLater }: BuildContext, plan: RootfsPlan): void {
  for (const { mount, doing, property } of readonlyLater) {
    program.property = property;
    setAttributes(program, mount, { set: MOUNT_ATTR_RDONLY }, 0, doing);
    program.close(mount);
  }
  program.property = 'linux.rootfsPropagation';
  setRootPropagation(program, root, plan.propagation);
  program.property = 'root.readonly';
  if (plan.readonly) makeRootReadOnly(program, root);
  program.property = undefined;
}

/** The host's /dev/null, in init, before pivot_root takes it out of reach. */
export function openDevNull(program: Program): number {
  return cloneNode(program, '/dev/null', 'open /dev/null of the host');
}
