// One command with one fault, and what must be so afterwards whatever the fault was.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type Sandbox } from '../container/harness.ts';
import { type Straced, underStrace, withStraceAt } from '../container/strace.ts';
import { ServedSandbox } from '../launcher/server.ts';
import { type Command, prepare } from './commands.ts';
import type { Place, Point } from './points.ts';
import { serverComplaints, settled } from './server.ts';

/** Milliseconds after which a command waits for ever. */
const FOR_EVER = 15_000;

/** What strace shows of a command without a fault. */
export function trace(box: Sandbox, place: Place, command: Command): string {
  const id = prepare(box, command);
  const straced = atPlace(box, place, [], command.args(id));
  if (straced.status !== 0)
    throw new Error(`${command.name} under strace failed without a fault: ${straced.stderr}`);
  box.tsoci('delete', '--force', id);
  eventually('strace has ended with init', () => left(box, id).length === 0);
  return straced.trace();
}

/** What is wrong after a fault; empty if nothing is. */
export function complaints(box: Sandbox, command: Command, point: Point): string[] {
  const { place, call, nth, errno } = point;
  const id = prepare(box, command);
  const fault = errno === undefined ? 'signal=KILL' : `error=${errno}`;
  const options = ['-e', `trace=${call}`, '-e', `inject=${call}:${fault}:when=${nth}`];
  const { status, waited, stderr } = atPlace(box, place, options, command.args(id));
  const wrong: string[] = [];
  if (waited) wrong.push('it waits for ever');
  if (errno !== undefined && status !== 0 && !waited) {
    // The dynamic loader tells by itself what it cannot do.
    if (
      !/^tsoci: |^tsoci-runtime: |: error while loading shared libraries: |thread-local storage/m.test(stderr)
    )
      wrong.push(`status ${status} without a word: ${stderr}`);
  }
  if (/^ +at |internal error/m.test(stderr)) wrong.push(`it shows its stack: ${stderr}`);
  if (box instanceof ServedSandbox) wrong.push(...settled(box));
  // Of a launcher that can reply no more the worker takes back what was made, and nobody waits for that.
  const failed = errno !== undefined && status !== 0 && !waited;
  if (failed && command.makes && existsSync(join(box.root, id))) wrong.push(`the id is kept: ${stderr}`);
  // Whoever is killed by SIGKILL here is the launcher, which is our child. Its worker takes back what it has begun.
  if (place === 'launcher' && command.makes && status === null && !waited) wrong.push(...half(box, id));
  const end = box.tsoci('delete', '--force', id);
  if (end.status !== 0) wrong.push(`delete --force: ${end.stderr}`);
  try {
    eventually('nothing is left', () => left(box, id).length === 0);
  } catch {
    wrong.push(`left behind: ${left(box, id).join('; ')}`);
  }
  if (box instanceof ServedSandbox) wrong.push(...serverComplaints(box));
  return wrong.map((line) => line.trim());
}

/** A container that is neither there as a whole nor gone. */
function half(box: Sandbox, id: string): string[] {
  if (!existsSync(join(box.root, id))) return [];
  const { stdout, stderr } = box.tsoci('state', id);
  return stdout.includes('"created"') ? [] : [`half a container is left: ${stdout}${stderr}`];
}

function left(box: Sandbox, id: string): string[] {
  return box.leftovers().filter((line) => line.includes(id));
}

function atPlace(box: Sandbox, place: Place, options: readonly string[], args: readonly string[]): Straced {
  // While a command lasted another worker was started.
  if (place === 'worker' && box instanceof ServedSandbox)
    return withStraceAt(box.workers(), box, options, args, FOR_EVER);
  // A server refuses whom a filter is over.
  const fast = place === 'cold' ? ['--seccomp-bpf'] : [];
  return underStrace(box, [...fast, ...options], args, FOR_EVER);
}
