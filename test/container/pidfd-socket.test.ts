// --pidfd-socket: a descriptor of the process for whoever listens.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SIGKILL } from '../../src/linux/constants.ts';
import { check, closeDescriptor, readable } from '../../src/linux/descriptor.ts';
import { EXEC_FAILED, Sandbox } from './harness.ts';
import { StreamListener } from './stream-listener.ts';

const test = suite('pidfd socket');
const box = new Sandbox();
let count = 0;

/** Listens at a path while `use` runs; then what one client has sent. */
function received(use: (path: string) => void): { text: string; fd: number; pid: number } {
  const path = join(box.directory, `socket-${count++}`);
  const listener = new StreamListener(path);
  use(path);
  const { text = '', fds = [] } = listener.received() ?? {};
  listener.close();
  assert.is(fds.length, 1);
  const fd = fds[0] ?? -1;
  const pid = /^Pid:\s*(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  return { text, fd, pid: Number(pid) };
}

test('of create: that of init', () => {
  const id = box.id();
  box.configure('sleep 1000');
  const { text, fd, pid } = received((path) => {
    assert.is(box.detached('create', '--pidfd-socket', path, id), 0);
  });
  assert.equal([text, pid], ['standard', box.state(id).pid]);
  assert.not.ok(readable(fd, 0), 'it has not ended');
  check('kill', 'pidfd_send_signal', fd, SIGKILL, 0, 0);
  assert.ok(readable(fd, 5000), 'it has ended');
  closeDescriptor(fd);
  assert.is(box.tsoci('delete', id).status, 0);
});

test('of run and exec, in the foreground too', () => {
  box.configure('exit 7');
  const run = received((path) => {
    assert.is(box.tsoci('run', '--pidfd-socket', path, box.id()).status, 7);
  });
  assert.equal([run.text, run.pid], ['standard', -1], 'it was reaped');
  closeDescriptor(run.fd);
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const pidFile = join(box.directory, 'pid');
  const exec = received((path) => {
    const options = ['--detach', '--pid-file', pidFile, '--pidfd-socket', path];
    assert.is(box.detached('exec', ...options, id, 'sleep', '1000'), 0);
  });
  assert.equal([exec.text, String(exec.pid)], ['setns', readFileSync(pidFile, 'utf8')]);
  closeDescriptor(exec.fd);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('where nobody listens: an error that leaves nothing', () => {
  const id = box.id();
  box.configure('sleep 1000');
  for (const command of ['create', 'run']) {
    const { status, stderr } = box.tsoci(command, '--pidfd-socket', 'nosuch', id);
    assert.is(status, 1);
    assert.match(stderr, /connect to .*nosuch: ENOENT/);
    assert.equal(box.leftovers(), []);
  }
  assert.is(box.detached('run', '--detach', id), 0);
  assert.is(box.tsoci('exec', '--pidfd-socket', 'nosuch', id, 'true').status, EXEC_FAILED);
  assert.is(box.tsoci('ps', '-f', 'json', id).stdout.split(',').length, 1);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
