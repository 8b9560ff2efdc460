// Errors that nobody foresaw, in the midst of a command: its caller is told, nothing of it is left, the worker that served it is
// replaced, and others do not notice. With a runtime of its own it is the same.

import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../scripts/executable/compile.ts';
import { findTarget } from '../../scripts/executable/target.ts';
import { eventually } from '../container/harness.ts';
import { enterPrivateRun, isGone, ServedSandbox } from './server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('launcher: internal errors');
const box = new ServedSandbox();
const output = join(dirname(box.launcher), 'tsoci-runtime');
compile({
  entry: 'test/launcher/failing-runtime.ts',
  output,
  target: findTarget(),
  define: { TSOCI_VERSION: '0', TSOCI_COMMIT: '' },
});

interface Fault {
  what: string;
  /** What is said by a worker, and by a runtime of the caller's. */
  told: RegExp;
  cold?: RegExp;
}

/** It may be said what was being done. */
const internal = /^tsoci: internal error: .*: nobody foresaw this \(--debug shows where\)\n$/;
const died = /^tsoci: the server has died\n$/m;
const faults: readonly Fault[] = [
  { what: 'throw', told: internal },
  { what: 'rejection', told: internal },
  { what: 'stack overflow', told: /^tsoci: internal error: .*: Maximum call stack size exceeded/ },
  { what: 'out of memory', told: /^tsoci: internal error: .*: Out of memory/ },
  { what: 'abort', told: died, cold: /^tsoci: the runtime has died \(/m },
  { what: 'exit', told: died, cold: /^tsoci: the runtime has died \(exit status 0\)\n$/m },
  { what: 'kill', told: died, cold: /^tsoci: the runtime has died \(killed by signal 9\)\n$/m },
];

/** A command on a container in the midst of which that comes: it fails, its caller is told, and nothing is left. */
function fails(what: string, at: number, command: string, id: string, told: RegExp, replaced = true): void {
  const { status, stderr } = box.through(['env', `FAIL=${what}`, `AT=${at}`], command, id);
  assert.is(status, 1, stderr);
  assert.match(stderr, told);
  if (replaced) eventually('the worker is replaced', isReplaced(command, id));
  assert.is(box.tsoci('delete', '--force', id).status, 0);
  eventually('nothing is left', () => box.leftovers().every((line) => !line.includes(id)));
}

/** Whether the worker that has served it is known no more, and some other is ready. */
function isReplaced(command: string, id: string): () => boolean {
  return () => {
    const { workers } = box.status();
    const known = workers.some((worker) => worker.command.endsWith(` ${command} ${id}`));
    const ready = workers.some(({ state }) => state === 'idle');
    return !known && ready && workers.every(({ pid }) => !isGone(pid));
  };
}

for (const { what, told, cold = told } of faults)
  test(`${what}: a runtime of the caller's`, () => {
    box.configure('true');
    const id = box.id();
    fails(what, 3, 'run', id, cold, false);
  });

test('a server', () => box.serve(2));

/** Something that takes a worker for as long as it lasts. */
function lasting(): { goesOn: () => boolean; end: () => void } {
  const id = box.id();
  box.configure('sleep 1000');
  const child = box.start('run', id);
  eventually(`${id} runs`, () => box.tsoci('state', id).stdout.includes('"running"'));
  return {
    goesOn: () => !isGone(child.pid ?? 0),
    end: () => {
      box.tsoci('kill', id, 'KILL');
      eventually(`${id} has ended`, () => isGone(child.pid ?? 0));
    },
  };
}

for (const { what, told } of faults)
  test(`${what}: a worker`, () => {
    const other = lasting();
    // First and last of many programs.
    for (const at of [1, 8]) {
      box.configure('true');
      fails(what, at, 'run', box.id(), told);
      assert.ok(other.goesOn());
    }
    other.end();
  });

for (const what of ['throw in a callback', 'rejection in a callback'])
  test(`${what}: a worker`, () => {
    box.configure('sleep 1000');
    const id = box.id();
    for (const command of ['create', 'start'])
      assert.is(box.through(['sh', '-c', '"$@" >/dev/null 2>&1', 'sh'], command, id).status, 0);
    fails(what, 1, 'events', id, internal);
  });

test('nothing is left behind', () => {
  box.stop();
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
