// Programs executed an operation at a time come to the same as programs that are sent as a whole.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Decider, type Step, StepByStep } from '../../src/debug/step-by-step.ts';
import { plannedLauncher } from '../../src/plan/planned-channel.ts';
import { stepStubs } from '../../src/stub/observer.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';

const test = suite('step by step');

/** Takes down what is done, and decides by `verdicts`, which are by the names of calls. */
class Recorder implements Decider {
  readonly told: string[] = [];
  readonly verdicts: Record<string, 'skip' | 'retry' | 'fail'>;

  constructor(verdicts: Record<string, 'skip' | 'retry' | 'fail'> = {}) {
    this.verdicts = verdicts;
  }

  before({ operations, index }: Step): 'execute' | 'skip' {
    return this.verdicts[`before ${operations[index]?.call}`] === 'skip' ? 'skip' : 'execute';
  }

  done({ operations, index }: Step, result: number | undefined): void {
    this.told.push(`${operations[index]?.call} ${result === undefined ? '?' : result < 0 ? result : 'ok'}`);
  }

  refused({ operations, index }: Step): 'fail' | 'retry' | 'skip' {
    const name = String(operations[index]?.call);
    const verdict = this.verdicts[name] ?? 'fail';
    if (verdict === 'retry') this.verdicts[name] = 'skip';
    return verdict;
  }
}

/** A stub of a plan, which answers as a process would. */
function stub(): StubProcess {
  const launcher = plannedLauncher({
    uid: 0,
    gid: 0,
    umask: 0o22,
    setgroupsDenied: false,
    cgroup: undefined,
  });
  return StubProcess.spawn(launcher, { stdio: [0, 1, 2] });
}

function stepped<T>(recorder: Recorder, act: () => T): T {
  const stop = stepStubs(new StepByStep(recorder));
  try {
    return act();
  } finally {
    stop();
  }
}

/** Two opens whose numbers the second call needs, and bytes that a call writes. */
function open(process: StubProcess): { umask: number; cwd: string } {
  const program = process.program();
  const cwd = Buffer.alloc(64);
  const umask = program.call('umask', [0o77], 'set umask');
  const length = program.call('getcwd', [cwd, cwd.length], 'get the working directory');
  program.call('getpid', [], 'get the pid');
  const results = process.run(program);
  return { umask: results.at(umask), cwd: results.bytes(cwd).toString('utf8', 0, results.at(length) - 1) };
}

test('results and what calls have written are the same', () => {
  const recorder = new Recorder();
  assert.equal(
    stepped(recorder, () => open(stub())),
    open(stub()),
  );
  assert.equal(recorder.told, ['close_range ok', 'umask ok', 'getcwd ok', 'getpid ok']);
});

test('a clone goes in one piece with what its child does first, and both answer', () => {
  const recorder = new Recorder();
  const child = stepped(recorder, () => {
    const process = stub();
    const clone = process.clone(0, 'clone');
    return open(clone);
  });
  assert.is(child.umask, 0o22);
  assert.is(recorder.told.filter((line) => line === 'clone3 ok').length, 1);
});

test('an operation that is left out is answered with 0', () => {
  const recorder = new Recorder({ 'before umask': 'skip' });
  assert.is(stepped(recorder, () => open(stub())).umask, 0);
  assert.not(recorder.told.includes('umask ok'));
});

test('one that has failed is executed again, or taken for done; otherwise the program ends there', () => {
  const fail = (process: StubProcess) => {
    const program = process.program();
    program.call('chdir', ['/there/is/no/such/directory'], 'change the directory');
    program.call('getpid', [], 'get the pid');
    return process.run(program);
  };
  const again = new Recorder({ chdir: 'retry' });
  stepped(again, () => fail(stub()));
  assert.equal(again.told.slice(1), ['chdir -2', 'chdir -2', 'getpid ok']);
  const ended = new Recorder();
  assert.throws(() => stepped(ended, () => fail(stub())), /change the directory: ENOENT/);
  assert.equal(ended.told.slice(1), ['chdir -2']);
});

test.run();
