// A container with everything once: its life cycle, a process more, a filter, a user namespace, a hook, a terminal. Elsewhere
// each of these has tests of its own; here they show that a processor or a kernel of another kind makes no difference.

import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually, Sandbox, userNamespace } from '../../container/harness.ts';
import { onTerminal } from '../../container/pseudoterminal.ts';

const test = suite('a container with everything once');
const box = new Sandbox();

const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const { EDOM } = constants.errno;
const { SIGSYS, SIGTERM } = constants.signals;
/** Of a shell, for a program that a signal ended. */
const SIGNALED = 128;

test('create, start, state, exec, kill and delete', () => {
  const id = box.id();
  box.configure(`trap 'echo ended >/ended; exit' TERM; : >/started; while :; do sleep 1; done`);
  assert.is(box.detached('create', id), 0);
  assert.is(box.state(id).status, 'created');
  assert.not.ok(existsSync(join(box.rootfs, 'started')));
  assert.is(box.tsoci('start', id).status, 0);
  eventually('it has started', () => existsSync(join(box.rootfs, 'started')));
  const { status, pid } = box.state(id);
  assert.is(status, 'running');
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), id);

  const exec = box.tsoci(
    'exec',
    '--env',
    'NAME=value',
    '--user',
    '1000:1000',
    id,
    'sh',
    '-c',
    'id -u; echo $NAME; exit 7',
  );
  assert.equal([exec.status, exec.stdout, exec.stderr], [7, '1000\nvalue\n', '']);
  const killed = box.tsoci('exec', id, 'sh', '-c', 'kill -TERM $$');
  assert.is(killed.status, SIGNALED + SIGTERM, killed.stderr);

  assert.is(box.tsoci('kill', id, 'TERM').status, 0);
  eventually('it has ended', () => box.state(id).status === 'stopped');
  assert.is(readFileSync(join(box.rootfs, 'ended'), 'utf8'), 'ended\n');
  assert.is(box.tsoci('delete', id).status, 0);
});

test('a seccomp filter: an error for one call, death for another, in whatever runs there', () => {
  const output = box.run(
    'uname -m; mkdir /tmp/refused; (hostname changed); echo $?; echo lives',
    ({ linux }) => {
      linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: [process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64'],
        syscalls: [
          { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: EDOM },
          { names: ['sethostname'], action: 'SCMP_ACT_KILL_PROCESS' },
        ],
      };
    },
  );
  assert.is(output, `${machine}\n${SIGNALED + SIGSYS}\nlives\n`);
  assert.not.ok(existsSync(join(box.rootfs, 'tmp/refused')));
});

test('a user namespace: root inside, nobody of the host outside', () => {
  const output = box.run('id -u; cat /proc/self/uid_map; : >/tmp/owned; stat -c %u /tmp/owned', (config) => {
    userNamespace(config);
    config.mounts?.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] });
  });
  assert.equal(output.trim().split(/\s+/), ['0', '0', '100000', '65536', '0']);
});

test('hooks of each namespace know the container', () => {
  const id = box.id();
  box.configure('cat /hooked', (config) => {
    const script = `cat >>"$1"; echo >>"$1"`;
    const hook = (file: string) => ({ path: '/bin/sh', args: ['sh', '-c', script, 'sh', file] });
    config.hooks = {
      createRuntime: [hook(join(box.rootfs, 'hooked'))],
      createContainer: [hook(join(box.rootfs, 'hooked'))],
      startContainer: [hook('/hooked')],
    };
  });
  const { status, stdout, stderr } = box.tsoci('run', id);
  assert.is(status, 0, stderr);
  const states = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(
    states.map(({ status }) => status),
    ['creating', 'creating', 'created'],
  );
  for (const state of states) assert.is(state.id, id);
});

test('a terminal', () => {
  const output = onTerminal(box, () =>
    box.run('tty; stty size; echo done', ({ process }) => {
      process.terminal = true;
      process.consoleSize = { width: 99, height: 33 };
    }),
  );
  assert.is(output, '/dev/pts/0\n33 99\ndone\n');
});

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
