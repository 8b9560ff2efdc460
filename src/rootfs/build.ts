// The root filesystem, step by step, up to the point where init could pivot into it.

import { readFileSync } from 'node:fs';
import type { Config } from '../config/generated/types.ts';
import { propagations } from '../config/mount-options.ts';
import { attempt, attemptOrSkip } from '../linux/attempt.ts';
import { MOUNT_ATTR_RDONLY, MS_SHARED } from '../linux/constants.ts';
import { forProperty } from '../linux/errors.ts';
import { RealPaths } from '../linux/files.ts';
import { mountPointOf } from '../linux/mountinfo.ts';
import { inUserNamespace } from '../linux/procfs.ts';
import { isolates, planNamespaces } from '../namespaces/namespace-plan.ts';
import { type Program, withProperty } from '../stub/program.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { type BuildContext, setAttributes } from './context.ts';
import { allDevices, type DeviceNode, deviceNode } from './device-node.ts';
import { bindDevices, makeDeviceLinks, makeDevices } from './devices.ts';
import { cloneNode } from './host-devices.ts';
import { bindHostFilesystems } from './host-filesystem.ts';
import type { HostTrees } from './host-trees.ts';
import { mountAll } from './mount-all.ts';
import { type MountPlan, planMount } from './mount-plan.ts';
import { explainAccess } from './mount-refusal.ts';
import { mountOverlay, type OverlayPlan, planOverlay } from './overlay.ts';
import {
  isolateMounts,
  makeParentPrivate,
  makeRootReadOnly,
  mountRoot,
  openRoot,
  setRootPropagation,
} from './root.ts';
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
  /** Whether the container's users are those of a user namespace. */
  ownUsers: boolean;
  cwd: string | undefined;
  readonly: boolean;
  propagation: string | undefined;
  /** The mount point that holds the root filesystem, where it must be made private for pivot_root. */
  parent: string | undefined;
}

export function planRootfs(config: Config, bundle: string, rootfs: string, overlay: boolean): RootfsPlan {
  const { mountLabel: label, rootfsPropagation: propagation, devices = [] } = config.linux ?? {};
  const namespaces = planNamespaces(config.linux?.namespaces ?? []);
  const ownIpc = isolates(namespaces, 'ipc');
  const setting = { bundle, rootfs, label, ownIpc, realPaths: new RealPaths() };
  const mounts = (config.mounts ?? []).map((mount, i) => {
    const property = `mounts[${i}]`;
    return { ...forProperty(property, () => planMount(mount, setting)), property };
  });
  const shared = propagations.get(propagation ?? '')?.type === MS_SHARED;
  const newUsers = isolates(namespaces, 'user');
  // A user namespace is refused them (mount-refusal.ts).
  if (!newUsers) bindHostFilesystems(mounts);
  return {
    rootfs,
    overlay: planOverlay(config, bundle, rootfs, overlay),
    mounts,
    devices: mounts.some(bindsDev) ? undefined : allDevices(devices.map(deviceNode)),
    label,
    ownUsers: newUsers || inUserNamespace(),
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
  init.later(program);
  const root = attempt('root.path', () => withProperty(init, 'root.path', () => mountAsRoot(init, plan)));
  const context: BuildContext = { init, root, ownUsers: plan.ownUsers, readonlyLater: [] };
  mountAll(context, plan.mounts, trees && ((mounts) => trees.supply(init, mounts)));
  const { cwd, devices } = plan;
  if (devices) {
    attemptOrSkip('linux.devices', () => {
      if (trees?.devices) bindDevices(context, devices, trees.devices);
      else makeDevices(context, devices);
    });
    attemptOrSkip(undefined, () => makeDeviceLinks(context));
  }
  if (cwd)
    attemptOrSkip('process.cwd', () =>
      withProperty(init, 'process.cwd', () => makeDirectories(context, cwd)),
    );
  return context;
}

/** The root filesystem, mounted on its directory. All that is done to the directory is done to the one that was opened. */
function mountAsRoot(init: StubProcess, { rootfs, parent, overlay }: RootfsPlan): number {
  const program = init.program();
  const target = openRoot(program, rootfs);
  init.later(program);
  if (parent !== undefined) makeParentPrivate(init, target, parent);
  if (overlay) return mountOverlay(init, target, rootfs, overlay);
  const mounting = init.program();
  const root = mountRoot(mounting, target, rootfs);
  init.later(mounting);
  return root;
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
