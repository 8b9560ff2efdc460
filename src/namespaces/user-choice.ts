// The mappings of a user namespace that is made by hand (user_namespaces(7), subuid(5)).

import type { Caller } from '../launcher/caller.ts';
import type { UserMappings } from './mappings.ts';
import { isInPath, subordinateRanges } from './subordinate-ids.ts';

/**
 * `auto`: the caller is root there, and has the ids that /etc/subuid and /etc/subgid give. `root`: the caller is root there,
 * and nobody else is mapped. `keep`: the caller is who he is.
 */
export const userChoices = ['auto', 'root', 'keep'] as const;
export type UserChoice = (typeof userChoices)[number];

export function mappingsFor(choice: UserChoice, caller: Caller): UserMappings {
  const { uid, gid } = caller;
  const own = (id: number) => [{ containerID: choice === 'keep' ? id : 0, hostID: id, size: 1 }];
  const more = (file: string, helper: string) => {
    const [range] = choice === 'auto' ? subordinateRanges(file, uid) : [];
    // Without the helper an ordinary user can map nobody but himself.
    const may = uid === 0 || isInPath(helper, caller);
    return range && may ? [{ containerID: 1, hostID: range.first, size: range.count }] : [];
  };
  return {
    uidMappings: [...own(uid), ...more('/etc/subuid', 'newuidmap')],
    gidMappings: [...own(gid), ...more('/etc/subgid', 'newgidmap')],
  };
}
