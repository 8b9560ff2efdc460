// Descriptors of ours that init needs besides its standard streams and those that the process inherits.

import { closeDescriptor } from '../../linux/descriptor.ts';
import type { IdmapNamespaces } from '../../namespaces/idmap.ts';
import { closeNamespaces, type OpenNamespace, openNamespaces } from '../../namespaces/join.ts';
import type { MountPlan } from '../../rootfs/mount-plan.ts';
import type { StubProcess } from '../../stub/stub-process.ts';
import type { Creation } from '../create/creation.ts';
import type { Host } from './host.ts';
import type { PreparedFilter } from './seccomp-filter.ts';

/** The places of descriptors among the extra ones of the stub (StubProcess.extra). */
export const LISTENER = 0;
export const AGENT = 1;
export const CGROUP = 2;
/** Here begin the namespaces to join; those of id-mapped mounts follow. */
export const NAMESPACES = 3;

export interface OpenDescriptors extends Disposable {
  /** linux.seccomp, with a connection to its agent. */
  filter: PreparedFilter | undefined;
  /** linux.namespaces[].path */
  namespaces: readonly OpenNamespace[];
  /** User namespaces of id-mapped mounts. */
  idmaps: IdmapNamespaces | undefined;
  /** All for the stub, each at its place. */
  extra: readonly number[];
}

/** Opens all but what the host has open already. Init has copies of them: disposal closes ours. */
export function openDescriptors(
  { caller, bundle, namespaces, modules }: Creation,
  host: Host,
): OpenDescriptors {
  using opened = new DisposableStack();
  const filter = host.prepareFilter();
  const agent = filter?.agent;
  if (agent !== undefined) opened.defer(() => closeDescriptor(agent));
  const idmaps = modules.idmap?.openIdmapNamespaces(caller, bundle.config);
  opened.defer(() => idmaps?.close());
  const joined = openNamespaces(namespaces, bundle.config);
  opened.defer(() => closeNamespaces(joined));
  // A place without a descriptor of its own is filled with one that init has anyway.
  const { listener, cgroup } = host;
  const extra = [listener, agent ?? listener, cgroup?.fd ?? listener];
  extra.push(...joined.map(({ fd }) => fd), ...(idmaps?.fds ?? []));
  const ours = opened.move();
  return { filter, namespaces: joined, idmaps, extra, [Symbol.dispose]: () => ours.dispose() };
}

/** Each id-mapped mount gets the number in the stub of its user namespace (mounts[].uidMappings). */
export function numberIdmaps(
  mounts: readonly MountPlan[],
  { namespaces, idmaps }: OpenDescriptors,
  boot: StubProcess,
): void {
  mounts.forEach((mount, i) => {
    const index = idmaps?.indices[i];
    if (index !== undefined) mount.idmapNamespace = boot.extra(NAMESPACES + namespaces.length + index);
  });
}
