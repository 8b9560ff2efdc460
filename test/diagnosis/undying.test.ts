import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { whyUndying } from '../../src/diagnosis/undying.ts';

const test = suite('a process that SIGKILL does not end');
const FREEZER = '/sys/fs/cgroup/freezer';

test('one that has ended has no reason', () => {
  assert.is(whyUndying(2 ** 22), '');
});

test('the state is told, and where the kernel has it', () => {
  assert.match(
    whyUndying(process.pid),
    /^: it is in state [RSD] \(proc_pid_stat\(5\)\) and waits in \w+ of the kernel$/,
  );
});

if (existsSync(join(FREEZER, 'tasks')) && process.getuid?.() === 0) {
  test('the freezer of cgroup v1 is named by the file that thaws it', async () => {
    const cgroup = join(FREEZER, `tsoci-test-${process.pid}`);
    const state = join(cgroup, 'freezer.state');
    mkdirSync(cgroup);
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    try {
      writeFileSync(join(cgroup, 'cgroup.procs'), String(child.pid));
      writeFileSync(state, 'FROZEN');
      child.kill('SIGKILL');
      const told = `: it is frozen by ${state}, where whoever froze it has to write THAWED`;
      assert.is(whyUndying(child.pid ?? 0), told);
    } finally {
      writeFileSync(state, 'THAWED');
      await once(child, 'close');
      rmdirSync(cgroup);
    }
  });
} else {
  console.log('skip: the freezer of cgroup v1: needs root, and a host that has it');
}

test.run();
