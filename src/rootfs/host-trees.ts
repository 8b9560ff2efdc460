// Descriptors of what only the rights of the host can open, for an init that has not got them: that of a user namespace.

import { AT_RECURSIVE, MS_SLAVE } from '../linux/constants.ts';
import { closeDescriptor } from '../linux/descriptor.ts';
import { EPERM } from '../linux/errno.ts';
import type { UserMappings } from '../namespaces/mappings.ts';
import { OperationError } from '../stub/results.ts';
import type { StubProcess } from '../stub/stub-process.ts';
import { bindAttributes, cloneTree, explainBind } from './bind.ts';
import { setAttributes } from './context.ts';
import { type DeviceNode, isDevice } from './device-node.ts';
import { type HostDevices, openHostDevices } from './host-devices.ts';
import { describe, type MountPlan } from './mount-plan.ts';

/** How many are opened before init is there. The others follow when their turn comes: descriptors may be few (RLIMIT_NOFILE). */
const FIRST_TREES = 64;

/** The part of the plan of a root filesystem that takes them. */
interface HostTreesPlan {
  readonly mounts: readonly MountPlan[];
  readonly devices: readonly DeviceNode[] | undefined;
  readonly label: string | undefined;
}

/** A bind mount of a path of the host. */
type HostBind = MountPlan & { from: { source: string } };

export class HostTrees implements Disposable {
  readonly devices: HostDevices | undefined;
  /** The numbers in init. */
  readonly #trees = new Map<MountPlan, number>();
  readonly #following: ReadonlySet<MountPlan>;
  readonly #spawn: () => StubProcess;
  #host: StubProcess | undefined;

  /**
   * Opens the first in the boot stub, before it enters a user namespace: its clone has them too. `spawn` makes another stub
   * with the rights of the host, which has the same descriptors from the start.
   */
  constructor(
    boot: StubProcess,
    { mounts, devices, label }: HostTreesPlan,
    { mappings, spawn }: { mappings: () => UserMappings; spawn: () => StubProcess },
  ) {
    const binds = mounts.filter(takesHost);
    this.#spawn = spawn;
    this.#following = new Set(binds.slice(FIRST_TREES));
    const first = binds.slice(0, FIRST_TREES);
    const trees = openTrees(boot, first);
    first.forEach((mount, i) => {
      this.#trees.set(mount, trees[i] ?? -1);
    });
    this.devices = devices && openHostDevices(boot, devices.filter(isDevice), { mappings, label });
  }

  /**
   * The same, or undefined where we are root of a user namespace that has not made the mount namespace we are in: then init
   * has the rights, in the one of its own.
   */
  static tryOpen(...args: ConstructorParameters<typeof HostTrees>): HostTrees | undefined {
    try {
      return new HostTrees(...args);
    } catch (error) {
      if (error instanceof OperationError && error.executed === 0 && error.errno === EPERM) return undefined;
      throw error;
    }
  }

  /** Mounts with the trees for them, which init has from now on. */
  supply(init: StubProcess, mounts: readonly MountPlan[]): MountPlan[] {
    const wanted = mounts.filter(takesHost).filter((mount) => this.#following.has(mount));
    if (wanted.length > 0) {
      this.#host ??= this.#spawn();
      const ours = this.#host.takeDescriptors(openTrees(this.#host, wanted), 'pass trees of the host');
      try {
        const numbers = init.giveDescriptors(ours, 'receive trees of the host');
        wanted.forEach((mount, i) => {
          this.#trees.set(mount, numbers[i] ?? -1);
        });
      } finally {
        for (const fd of ours) closeDescriptor(fd);
      }
    }
    return mounts.map((mount) => opened(mount, this.#trees.get(mount)));
  }

  [Symbol.dispose](): void {
    this.#host?.dismiss();
  }
}

/** What comes from a mount before it is opened by init; but ids are mapped by the rights of the host alone. */
function takesHost(mount: MountPlan): mount is HostBind {
  const { from, idmapNamespace } = mount;
  return 'source' in from && !(from.late && idmapNamespace === undefined);
}

function openTrees(stub: StubProcess, mounts: readonly HostBind[]): number[] {
  const program = stub.program();
  const trees = mounts.map((mount) => {
    program.property = mount.property;
    const doing = describe(mount);
    const tree = cloneTree(program, mount.from.source, mount.options, doing);
    // What isolateMounts does to the mounts that init gets by its new namespace.
    setAttributes(program, tree, { propagation: MS_SLAVE }, AT_RECURSIVE, doing);
    bindAttributes(program, tree, mount, doing);
    return tree;
  });
  try {
    stub.run(program);
  } catch (error) {
    // One that is none of this mount's comes back as it is.
    throw mounts.reduce((told: unknown, mount) => explainBind(mount, told), error);
  }
  return trees;
}

/** A mount of the tree that was opened for it, if there is one. */
function opened(plan: MountPlan, tree: number | undefined): MountPlan {
  if (tree === undefined) return plan;
  const nothing = { set: 0, clear: 0 };
  // The attributes are set already.
  const options = { ...plan.options, named: false, attributes: nothing, recursiveAttributes: nothing };
  return { ...plan, from: { tree }, options, idmapNamespace: undefined };
}
