// What is known of a container before anything is done for it.

import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';
import { requireKernel } from '../../linux/kernel.ts';
import { checkMapped } from '../../namespaces/mappings.ts';
import { isolates, type NamespacePlan, planNamespaces } from '../../namespaces/namespace-plan.ts';
import { planRootfs, type RootfsPlan } from '../../rootfs/build.ts';
import { type InheritedDescriptors, inheritedDescriptors } from '../init/inherited-descriptors.ts';
import { labelsOf, requiredLsms } from '../init/labels.ts';
import { type Bundle, loadBundle, withNetwork } from './bundle.ts';
import { usesSystemd } from './cgroup.ts';
import { explainFailure } from './config-failure.ts';
import { importModules, type OptionalModules } from './optional-modules.ts';
import type { CreateOptions } from './options.ts';

export interface Creation {
  readonly caller: Caller;
  readonly options: Pick<CreateOptions, 'id' | 'noPivot' | 'noNewKeyring'>;
  readonly bundle: Bundle;
  readonly modules: OptionalModules;
  readonly namespaces: NamespacePlan;
  /** Undefined without a mount namespace: the container sees the files of the host. */
  readonly rootfs: RootfsPlan | undefined;
  readonly inherited: InheritedDescriptors;
}

/** Is told what is known of a container before anything is done for it. */
export type Prepared = (creation: Creation) => Promise<void>;

/** Reads, checks and loads all that a creation needs: from here on it is synchronous. */
export async function prepareCreation(
  caller: Caller,
  options: Omit<CreateOptions, 'root'>,
): Promise<Creation> {
  const read = loadBundle(caller, options.bundle, options.configFile);
  try {
    return await prepareBundle(caller, options, await withNetwork(caller, read, options.network));
  } catch (error) {
    throw explainFailure(caller, read.source, error);
  }
}

/** The same for a bundle that was read. */
export async function prepareBundle(
  caller: Caller,
  options: Omit<CreateOptions, 'root'>,
  bundle: Bundle,
): Promise<Creation> {
  const { config, path, rootfs } = bundle;
  requireKernel();
  requiredLsms(labelsOf(config));
  const namespaces = planNamespaces(config.linux?.namespaces ?? []);
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  if (namespaces.create.has('user')) checkMapped(config.process?.user, uidMappings, gidMappings);
  const ownMounts = isolates(namespaces, 'mount');
  if (options.overlay && !ownMounts) throw new TsociError('--overlay needs a mount namespace');
  return {
    caller,
    options,
    bundle,
    modules: await importModules(config, { systemd: usesSystemd(options) }),
    namespaces,
    rootfs: ownMounts ? planRootfs(config, path, rootfs, options.overlay) : undefined,
    inherited: inheritedDescriptors(caller, options.preserveFds),
  };
}
