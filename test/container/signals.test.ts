// A signal to `run` or `exec` in the foreground, at any moment: it reaches the program, or it ends the run and nothing is
// left.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collect, comes, status } from './foreground.ts';
import { EXEC_FAILED, eventually, Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('signals');
const box = new Sandbox();

/** Numbers of signals that end a process which does not expect them: by people, by services, of faults, real-time ones. */
const signals = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ABRT: 6,
  USR1: 10,
  SEGV: 11,
  PIPE: 13,
  TERM: 15,
  PROF: 27,
  PWR: 30,
  RT3: 37,
};
/** The program's exit status when it got the signal, and when it waited in vain. */
const [GOT, WAITED] = [7, 9];
const program = `trap 'exit ${GOT}' ${Object.values(signals).join(' ')}
i=0; while [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done; exit ${WAITED}`;
const STEPS = 2 * Object.keys(signals).length;

/** The command, sent a signal after so many milliseconds. */
async function interrupted(args: readonly string[], signal: number, delay: number): Promise<string> {
  const options = { cwd: box.bundle, stdio: 'ignore', timeout: TIMEOUT, killSignal: 'SIGKILL' } as const;
  const child = spawn(tsociPath, ['--root', box.root, ...args], options);
  const exit = once(child, 'exit');
  await sleep(delay);
  // Node's ChildProcess.kill takes no real-time signals. One that has ended is a zombie until Node tells.
  if (child.pid && child.exitCode === null && child.signalCode === null) process.kill(child.pid, signal);
  const [code, name] = await exit;
  if (code === GOT || code === 128 + signal) return 'reached';
  // Node has no name for a real-time signal that ended a process.
  const ended = name !== null || (code === 0 && signal > constants.signals.SIGSYS);
  if (ended || code === 1 || code === EXEC_FAILED) return 'ended';
  return `status ${code}`;
}

/** Tries all signals at moments from the first on until after the program has begun. */
async function atAllMoments(args: () => readonly string[], check: () => void): Promise<void> {
  const start = performance.now();
  assert.is(await interrupted(args(), 15, 1500), 'reached');
  check();
  const longest = Math.min(400, (performance.now() - start - 1500) * 2 + 200);
  const found = new Map<string, number>();
  for (let step = 0; step < STEPS; step++) {
    const entries = Object.entries(signals);
    const [name, signal] = entries[step % entries.length] ?? ['', 0];
    const delay = (longest * step) / STEPS;
    const what = await interrupted(args(), signal, delay);
    assert.ok(what === 'reached' || what === 'ended', `${name} after ${Math.round(delay)} ms: ${what}`);
    found.set(what, (found.get(what) ?? 0) + 1);
    check();
  }
  console.log(`# ${[...found].map(([what, count]) => `${what} ${count}`).join(', ')}`);
  assert.ok((found.get('reached') ?? 0) > 0);
}

// Seen with USR2 caught only once the program ran, with faults never: tsoci died, and the container went on.
test('run', async () => {
  box.configure(program, ({ linux }) => {
    // The first process of a pid namespace ignores what it has no handler for yet.
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
  });
  const nothingLeft = () => eventually('nothing is left', () => box.leftovers().length === 0);
  await atAllMoments(() => ['run', box.id()], nothingLeft);
});

// Seen with no signal caught until the process was there: tsoci died, and the process went on.
test('exec', async () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const alone = () =>
    eventually(
      'init is alone',
      () => JSON.parse(box.tsoci('ps', '--format', 'json', id).stdout).length === 1,
    );
  await atAllMoments(() => ['exec', id, 'sh', '-c', program], alone);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// Seen with no signal caught: the command went on, and a terminal was read by it and by a shell.
test('ns enter', async () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const none = () => eventually('no command', () => !box.leftovers().some((line) => /^\d+ sh -c/.test(line)));
  await atAllMoments(() => ['ns', 'enter', '--net', id, '--', 'sh', '-c', program, id], none);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

// Seen with all signals passed on: twice, from the terminal and from tsoci.
test('ns enter: what a terminal sends comes once', async () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const counting = 'trap "echo got" INT; echo ready; while [ ! -e end ]; do sleep 0.05; done';
  const command = `${tsociPath} --root ${box.root} ns enter --net ${id} -- sh -c '${counting}'`;
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: box.directory, stdio: [...stdio] });
  const out = collect(child.stdout);
  await comes('ready', () => out.text.includes('ready'));
  child.stdin?.write('\x03');
  await comes('the signal', () => out.text.includes('got'));
  await sleep(500);
  const ended = status(child);
  writeFileSync(join(box.directory, 'end'), '');
  await ended;
  assert.is(out.text.match(/got/g)?.length, 1);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
