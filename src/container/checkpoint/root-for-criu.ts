// The root filesystem as criu wants it (criu.org/Invalid_root, --root): a mount point, with nothing mounted over it. The mount
// is made in a mount namespace of criu's own: it ends with criu, whatever happens to us.

import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { AT_FDCWD, CLONE_NEWNS, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../../linux/constants.ts';
import { TsociError } from '../../linux/errors.ts';
import { step } from '../../linux/steps.ts';
import type { RootfsPlan } from '../../rootfs/build.ts';
import { attach } from '../../rootfs/context.ts';
import type { MountPlan } from '../../rootfs/mount-plan.ts';
import { cloneRoot, isolateMounts, openRoot } from '../../rootfs/root.ts';
import { makeTarget } from '../../rootfs/target.ts';
import type { StubProcess } from '../../stub/stub-process.ts';

/** Makes the directory where it is mounted: runc's has this name, too. */
export function makeRootPlace(directory: string): string {
  const place = join(directory, 'criu-root');
  step(`make ${place}`);
  try {
    mkdirSync(place, { mode: 0o700 });
    return realpathSync(place);
  } catch (error) {
    throw TsociError.from(`make ${place}`, error);
  }
}

/** Mounts it there for a stub that will be criu, and makes what mounts go on, as `create` does. */
export function mountForCriu(
  stub: StubProcess,
  { rootfs, place, plan }: { rootfs: string; place: string; plan: RootfsPlan | undefined },
): void {
  const program = stub.program().for('root.path');
  program.call('unshare', [CLONE_NEWNS], 'make a mount namespace for criu');
  isolateMounts(program, undefined);
  const doing = `mount the root filesystem ${rootfs} on ${place}`;
  const directory = openRoot(program, rootfs);
  const root = cloneRoot(program, directory, doing);
  program.close(directory);
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  const target = program.open('openat', [AT_FDCWD, place, flags, 0], doing);
  attach(program, root, target, doing);
  program.close(target);
  const umask = program.call('umask', [0], 'set umask');
  const before = stub.run(program).at(umask);
  for (const { destination, kind } of outermost(plan?.mounts ?? []))
    makeTarget({ init: stub, root }, destination, kind ?? 'directory');
  const after = stub.program();
  after.call('umask', [before], 'set umask');
  after.close(root);
  stub.run(after);
}

/** Mounts that lie on no other: what others lie on is in the checkpoint, or the host's. */
function outermost(mounts: readonly MountPlan[]): MountPlan[] {
  const places = mounts.map(({ destination }) => `${destination}/`);
  return mounts.filter(
    ({ destination }) =>
      !places.some((place) => place !== `${destination}/` && destination.startsWith(place)),
  );
}
