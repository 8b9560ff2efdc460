// `run` and `exec` with a terminal in the foreground.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collect, comes, start, status } from './foreground.ts';
import { type Change, Sandbox } from './harness.ts';
import { Pseudoterminal } from './pseudoterminal.ts';

const test = suite('terminals');
const box = new Sandbox();
const withTerminal: Change = ({ process }) => {
  process.terminal = true;
};

/** A test with a terminal of the caller's, closed at its end. */
function testOn(name: string, use: (terminal: Pseudoterminal) => Promise<void>): void {
  test(name, async () => {
    const terminal = new Pseudoterminal();
    try {
      await use(terminal);
    } finally {
      terminal.close();
    }
  });
}

// Seen with Node's own raw mode: "one\r\r\ntwo".
testOn('bytes are passed on as they are, and modes are as before afterwards', async (terminal) => {
  const before = terminal.modes();
  box.configure('echo one; stty -opost; echo two; echo three; exit 3', withTerminal);
  const { slave } = terminal;
  assert.is(await status(start(box, [slave, slave, slave], 'run', box.id())), 3);
  await comes('three', () => terminal.shown.endsWith('three\n'));
  assert.is(terminal.shown, 'one\r\ntwo\nthree\n');
  assert.is(terminal.modes(), before);
});

// Seen with writes to the master that wait for the container: neither side ever read.
testOn('a container that writes all that it reads is read meanwhile', async (terminal) => {
  const size = 1_000_000;
  box.configure(`stty raw -echo; echo ready; dd bs=1000 count=${size / 1000} iflag=fullblock`, withTerminal);
  const child = start(box, [terminal.slave, 'pipe', 'ignore'], 'run', box.id());
  const out = collect(child.stdout);
  await comes('ready', () => out.text === 'ready\n');
  await terminal.type('x'.repeat(size));
  assert.is(await status(child), 0);
  assert.is(out.text.replace(/[^x]/g, '').length, size);
});

// Seen without the hangup: Node's stack on standard error, and a container that was left.
testOn('when nobody reads the output any more, the terminal is hung up', async (terminal) => {
  box.configure('trap "exit 4" HUP; while :; do echo line; done', withTerminal);
  const child = start(box, [terminal.slave, 'pipe', 'pipe'], 'run', box.id());
  const error = collect(child.stderr);
  child.stdout?.once('data', () => child.stdout?.destroy());
  assert.is(await status(child), 4);
  assert.is(error.text, '');
});

// Seen: nobody could end the container any more but by its id.
testOn("when the caller's terminal is gone, that of the container is hung up", async (terminal) => {
  box.configure('trap "exit 4" HUP; echo ready; while :; do sleep 0.05; done', withTerminal);
  const child = start(box, [terminal.slave, 'pipe', 'pipe'], 'run', box.id());
  const out = collect(child.stdout);
  await comes('ready', () => out.text === 'ready\n');
  terminal.hangUp();
  assert.is(await status(child), 4);
});

// Seen: they never ended, since the end of a file is none of a terminal.
for (const [what, input] of [
  ['empty', ''],
  ['a line', 'text\n'],
  ['within a line', 'text'],
] as const) {
  test(`standard input that is no terminal ends the input of the container's: ${what}`, () => {
    box.configure('stty -echo; tty; cat; echo end', withTerminal);
    const said = `${input.trimEnd()}${input.endsWith('\n') ? '\n' : ''}end\n`;
    const run = box.tsociWith({ input }, 'run', box.id());
    assert.is(run.status, 0, run.stderr);
    // What was typed before stty is shown first.
    assert.ok(run.stdout.endsWith(`/dev/pts/0\n${said}`), run.stdout);
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', id), 0);
    const exec = box.tsociWith(
      { input },
      'exec',
      '--tty',
      id,
      'sh',
      '-c',
      'tty && cat >/dev/null && echo end',
    );
    assert.is(exec.status, 0, exec.stderr);
    assert.ok(exec.stdout.endsWith('end\n'), exec.stdout);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  });
}

// Seen with the size set once the program ran: "0 0", most times.
testOn("the terminal has the caller's size from the first moment on", async (terminal) => {
  terminal.resize(33, 111);
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  for (let i = 0; i < 5; i++) {
    const child = start(box, [terminal.slave, 'pipe', 'inherit'], 'exec', '--tty', id, 'stty', 'size');
    const out = collect(child.stdout);
    assert.is(await status(child), 0);
    assert.is(out.text, '33 111\n');
  }
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  box.configure('stty size', (config) => {
    withTerminal(config);
    config.process.consoleSize = { height: 7, width: 8 };
  });
  for (const [rows, columns, size] of [
    [33, 111, '33 111\n'],
    // A terminal without a size, as that of a CI job: then it is that of the config.
    [0, 0, '7 8\n'],
  ] as const) {
    terminal.resize(rows, columns);
    const child = start(box, [terminal.slave, 'pipe', 'inherit'], 'run', box.id());
    const out = collect(child.stdout);
    assert.is(await status(child), 0);
    assert.is(out.text, size);
  }
});

// Seen: "one\r\n".
testOn('output that goes into a pipe has the lines as the program wrote them', async (terminal) => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const exec = start(box, [terminal.slave, 'pipe', 'inherit'], 'exec', '--tty', id, 'echo', 'executed');
  const executed = collect(exec.stdout);
  assert.is(await status(exec), 0);
  assert.is(executed.text, 'executed\n');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  box.configure('echo one; while [ ! -e /go ]; do sleep 0.02; done; echo two', withTerminal);
  const run = start(box, [terminal.slave, 'pipe', 'inherit'], 'run', box.id());
  const out = collect(run.stdout);
  await comes('one', () => out.text === 'one\n');
  // What others show on the caller's terminal is not staggered: `tsoci run web | tee log`.
  terminal.print('a\nb');
  await comes('a b', () => terminal.shown === 'a\r\nb');
  writeFileSync(join(box.rootfs, 'go'), '');
  assert.is(await status(run), 0);
  assert.is(out.text, 'one\ntwo\n');
});

// Seen with writes that wait for the reader: no signal went on meanwhile.
testOn('signals go on to a process whose output nobody takes', async (terminal) => {
  const id = box.id();
  box.configure('while :; do echo line; done', (config) => {
    withTerminal(config);
    // The first process of a pid namespace ignores what it has no handler for.
    config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
  });
  const child = start(box, [terminal.slave, 'pipe', 'inherit'], 'run', id);
  const ended = status(child);
  await sleep(1000);
  child.kill('SIGTERM');
  await comes('the end of the process', () => box.state(id).status === 'stopped');
  await sleep(700);
  assert.is(child.exitCode, null, 'the reader is waited for');
  // Who sends another does not wait for the reader.
  child.kill('SIGTERM');
  assert.is(await ended, 128 + 15);
});

testOn('a reader that is slow gets all that was written before the end', async (terminal) => {
  box.configure('i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done', withTerminal);
  const child = start(box, [terminal.slave, 'pipe', 'inherit'], 'run', box.id());
  const ended = status(child);
  await sleep(1500);
  const out = collect(child.stdout);
  assert.is(await ended, 0);
  await comes('all', () => out.text.length === 200_000);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
