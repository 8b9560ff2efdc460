// Namespaces that a container has joined by their path are none of a checkpoint: it joins others in their place when it is
// restored. criu calls them by a name, which is runc's.

import type { CriuOptions } from '../../criu/messages.ts';
import { TsociError } from '../../linux/errors.ts';
import { namespaceOf } from '../../namespaces/enter.ts';
import type { OpenNamespace } from '../../namespaces/join.ts';
import { type NamespacePlan, type NamespaceType, namespaceTypes } from '../../namespaces/namespace-plan.ts';

/** Those that criu can leave out of a checkpoint. */
const externalNames: Partial<Record<NamespaceType, string>> = {
  network: 'extRootNetNS',
  pid: 'extRootPidNS',
};

/** criu_opts.external: what is left out of the checkpoint of a container with that init. */
export function externalNamespaces({ join }: NamespacePlan, init: number): string[] {
  return join.flatMap(({ type }) => {
    const name = externalNames[type];
    const { file } = namespaceTypes[type];
    // "net:[4026531840]" is net[4026531840] to criu.
    return name === undefined ? [] : [`${namespaceOf(init, file).replace(':', '')}:${name}`];
  });
}

/** What restores them; `numbers` are the descriptors in criu of those that were opened. */
export function joinedNamespaces(
  opened: readonly OpenNamespace[],
  numbers: readonly number[],
): Required<Pick<CriuOptions, 'inherit_fd' | 'join_ns'>> {
  const inherit_fd: { key: string; fd: number }[] = [];
  const join_ns: { ns: string; ns_file: string }[] = [];
  for (const [i, { type, path }] of opened.entries()) {
    const key = externalNames[type];
    if (key !== undefined) inherit_fd.push({ key, fd: numbers[i] ?? -1 });
    else if (type === 'cgroup') throw new TsociError('criu cannot restore into a cgroup namespace by path');
    else join_ns.push({ ns: namespaceTypes[type].file, ns_file: path });
  }
  return { inherit_fd, join_ns };
}
