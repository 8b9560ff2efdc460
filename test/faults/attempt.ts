// One command with one fault, and what must be so afterwards whatever the fault was.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type Sandbox } from '../container/harness.ts';
import { underStrace } from '../container/strace.ts';
import { type Command, prepare } from './commands.ts';
import type { Point } from './points.ts';

/** Milliseconds after which a command waits for ever. */
const FOR_EVER = 15_000;

/** What strace shows of a command without a fault. */
export function trace(box: Sandbox, command: Command): string {
  const id = prepare(box, command);
  const straced = underStrace(box, [], command.args(id), FOR_EVER);
  if (straced.status !== 0) throw new Error(`${command.name} under strace failed without a fault`);
  box.tsoci('delete', '--force', id);
  eventually('strace has ended with init', () => left(box, id).length === 0);
  return straced.trace();
}

/** What is wrong after a fault; empty if nothing is. */
export function complaints(box: Sandbox, command: Command, point: Point): string[] {
  const { call, nth, errno } = point;
  const id = prepare(box, command);
  const fault = errno === undefined ? 'signal=KILL' : `error=${errno}`;
  const options = ['--seccomp-bpf', '-e', `trace=${call}`, '-e', `inject=${call}:${fault}:when=${nth}`];
  const { status, waited, stderr } = underStrace(box, options, command.args(id), FOR_EVER);
  const wrong: string[] = [];
  if (waited) wrong.push('it waits for ever');
  if (errno !== undefined && status !== 0 && !waited) {
    // The dynamic loader tells by itself what it cannot do.
    if (!/^tsoci: |^tsoci-runtime: |thread-local storage/m.test(stderr))
      wrong.push(`status ${status} without a word: ${stderr}`);
    if (command.makes && existsSync(join(box.root, id))) wrong.push(`the id is kept: ${stderr}`);
  }
  if (/^ +at |internal error/m.test(stderr)) wrong.push(`it shows its stack: ${stderr}`);
  const end = box.tsoci('delete', '--force', id);
  if (end.status !== 0) wrong.push(`delete --force: ${end.stderr}`);
  try {
    eventually('nothing is left', () => left(box, id).length === 0);
  } catch {
    wrong.push(`left behind: ${left(box, id).join('; ')}`);
  }
  return wrong.map((line) => line.trim());
}

function left(box: Sandbox, id: string): string[] {
  return box.leftovers().filter((line) => line.includes(id));
}
