// Poststop hooks (runtime.md#lifecycle, step 13).

import { listOf } from '../../config/variables.ts';
import { asRuntime, runAllHooks } from '../../hooks/hooks.ts';
import type { Caller } from '../../launcher/caller.ts';
import { messageOf } from '../../linux/errors.ts';
import { stateOf } from '../state/oci-state.ts';
import type { ContainerRecord } from '../state/record.ts';

/** For a container that has ended, or whose `create` has failed. A hook that fails is a warning. */
export function runPoststop(caller: Caller, record: ContainerRecord): void {
  const hooks = {
    state: JSON.stringify(stateOf(record, 'stopped', 0)),
    start: asRuntime({ launcher: caller.launcher, env: listOf(caller.env), cwd: record.bundle }),
  };
  runAllHooks('poststop', record.hooks?.poststop, hooks, (error) => caller.warn(messageOf(error)));
}
