// One command with one fault, and what must be so afterwards whatever the fault was.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type Sandbox, tsociPath } from '../container/harness.ts';
import { type Command, prepare } from './commands.ts';
import type { Point } from './points.ts';

/** Milliseconds after which a command waits for ever. */
const FOR_EVER = 15_000;
/** What strace shows of a command without a fault. */
export function trace(box: Sandbox, command: Command): string {
  const id = prepare(box, command);
  const log = join(box.directory, 'trace');
  const { status } = underStrace(box, ['-o', log], command.args(id));
  if (status !== 0) throw new Error(`${command.name} under strace failed without a fault`);
  box.tsoci('delete', '--force', id);
  eventually('strace has ended with init', () => left(box, id).length === 0);
  return readFileSync(log, 'utf8');
}

/** What is wrong after a fault; empty if nothing is. */
export function complaints(box: Sandbox, command: Command, point: Point): string[] {
  const { call, nth, errno } = point;
  const id = prepare(box, command);
  const fault = errno === undefined ? 'signal=KILL' : `error=${errno}`;
  const options = ['--seccomp-bpf', '-e', `trace=${call}`, '-e', `inject=${call}:${fault}:when=${nth}`];
  const { status, error, stderr } = underStrace(box, ['-o', '/dev/null', ...options], command.args(id));
  const wrong: string[] = [];
  if (error) wrong.push('it waits for ever');
  if (errno !== undefined && status !== 0 && !error) {
    // Not told yet: the stub of `exec` that cannot read its last program ends with status 1, which is taken for the program's.
    const last = command.name === 'exec' && call === 'read' && status === 1;
    // The dynamic loader tells by itself what it cannot do.
    if (!last && !/^tsoci: |^tsoci-runtime: |thread-local storage/m.test(stderr))
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

function underStrace(box: Sandbox, options: readonly string[], args: readonly string[]) {
  const path = join(box.directory, 'stderr');
  const stderr = openSync(path, 'w');
  try {
    // -D: the command is our child, and not strace, which stays as long as a container that the command leaves.
    const words = ['-D', '-qq', '-f', ...options, tsociPath, '--root', box.root, ...args];
    const { status, error } = spawnSync('strace', words, {
      cwd: box.bundle,
      stdio: ['ignore', 'ignore', stderr],
      timeout: FOR_EVER,
      killSignal: 'SIGKILL',
    });
    return { status, error, stderr: readFileSync(path, 'utf8') };
  } finally {
    closeSync(stderr);
  }
}
