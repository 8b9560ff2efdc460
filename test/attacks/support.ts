// What the attack tests share. "Seen" in a test's comment: what it said when the defence was switched off by hand.

import * as assert from 'uvu/assert';
import type { Change, Sandbox } from '../container/harness.ts';
import { onTerminal } from '../container/pseudoterminal.ts';

/** Runs a script in a container; whatever becomes of it. */
export function attempt(box: Sandbox, script: string, change?: Change) {
  box.configure(script, change);
  return box.tsoci('run', box.id());
}

/** The same with a terminal, for the container and of the caller. */
export function attemptOnTerminal(box: Sandbox, script: string, change: Change) {
  box.configure(script, (config) => {
    config.process.terminal = true;
    change(config);
  });
  return onTerminal(box, () => box.tsoci('run', box.id()));
}

/** The container must not have come to life, and the error must say why. */
export function refused(
  result: { status: number | null; stdout: string; stderr: string },
  why: RegExp,
): void {
  assert.is.not(result.status, 0, result.stdout);
  assert.match(result.stderr, why);
  assert.is(result.stdout, '');
}
