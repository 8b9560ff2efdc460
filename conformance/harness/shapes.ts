// The usual shapes of a check's `run`.

import { expectEqual, expectMatch } from './expect.ts';
import type { Edit, Trial } from './trial.ts';

/** A script in the container prints what it should. */
export function prints(script: string, edit: Edit, wanted: string | RegExp) {
  return async (trial: Trial): Promise<void> => {
    const output = await trial.output(script, edit);
    const what = `the output of \`${script}\``;
    if (typeof wanted === 'string') expectEqual(output, wanted, what);
    else expectMatch(output, wanted, what);
  };
}

/** `create` generates an error because of the configuration, and leaves no container. */
export function refuses(reason: string, edit: Edit) {
  return async (trial: Trial): Promise<void> => {
    await trial.refused(reason, edit);
  };
}
