// SCMP_ACT_NOTIFY: an agent gets the descriptor and the state of the process, and answers its mkdir.

import { existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp, SeccompFlag, State } from '../../src/config/generated/types.ts';
import { SOCK_STREAM } from '../../src/linux/constants.ts';
import {
  check,
  closeDescriptor,
  readable,
  receiveDescriptors,
  socketPair,
} from '../../src/linux/descriptor.ts';
import { syscall } from '../../src/linux/ffi.ts';
import { pause } from '../../src/linux/sleep.ts';
import { SYS } from '../../src/linux/syscalls.ts';
import { setNoNewPrivileges } from '../../src/security/credentials.ts';
import { connectAgent, containerProcessState } from '../../src/security/seccomp/agent.ts';
import { compileFilter } from '../../src/security/seccomp/filter.ts';
import { supportedFlags } from '../../src/security/seccomp/filter-flags.ts';
import { installFilter } from '../../src/security/seccomp/install.ts';
import { tryLibseccomp } from '../../src/security/seccomp/libseccomp.ts';
import { stringArray } from '../../src/stub/program.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { testLauncher } from '../launcher/driven.ts';

const test = suite('seccomp agent');
const withLibrary = tryLibseccomp() ? test : test.skip;
if (!tryLibseccomp()) console.log('skipped: libseccomp.so.2 is not installed');

/** linux/seccomp.h. struct seccomp_notif: id, pid, flags, data (64 bytes); seccomp_notif_resp: id, val, error, flags. */
const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100;
const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
const SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;

const WAIT = 10_000;

const config: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', 'mkdirat', 'execve'], action: 'SCMP_ACT_NOTIFY' }],
  listenerPath: '/run/agent.sock',
  listenerMetadata: 'MKDIR=pretend',
};

const state: State = { ociVersion: '1.3.0', id: 'c1', status: 'creating', pid: 4422, bundle: '/bundle' };

interface Reply {
  error?: number;
  flags?: number;
  /** Done between the notification of process `pid` and the answer; false: the answer is for the next notification. */
  before?: (listener: number, id: Buffer, pid: number) => boolean;
}

/** Waits for a notification and answers it. */
function answer(listener: number, reply: Reply): void {
  const { error = 0, flags = 0, before = () => true } = reply;
  assert.ok(readable(listener, WAIT), 'a notification came');
  const notification = Buffer.alloc(80);
  check('receive a notification', 'ioctl', listener, SECCOMP_IOCTL_NOTIF_RECV, notification);
  const id = notification.subarray(0, 8);
  if (!before(listener, id, notification.readUInt32LE(8))) return answer(listener, { error, flags });
  const response = Buffer.alloc(24);
  id.copy(response);
  response.writeInt32LE(-error, 16);
  response.writeUInt32LE(flags, 20);
  check('answer a notification', 'ioctl', listener, SECCOMP_IOCTL_NOTIF_SEND, response);
}

/** Runs `mkdir path` with the agent answering mkdir so; returns its exit status. */
function mkdir(path: string, reply: Reply, seccomp = config): number {
  const [agent, theirs] = socketPair(SOCK_STREAM);
  const nowhere = openSync('/dev/null', 'r+');
  const stub = StubProcess.spawn(testLauncher(), { stdio: [nowhere, nowhere, nowhere], extra: [theirs] });
  for (const fd of [nowhere, theirs]) closeDescriptor(fd);
  const program = stub.program();
  setNoNewPrivileges(program);
  const bytes = containerProcessState(state, stub.pid, config.listenerMetadata);
  installFilter(program, compileFilter(seccomp), { fd: stub.extra(0), state: bytes });
  program.call('execve', ['/bin/mkdir', stringArray(['mkdir', path]), stringArray([])], 'execute mkdir');
  // Not exec(): execve is notified too, and waits for the agent, which is us.
  stub.leave(program);
  assert.ok(readable(agent, WAIT), 'the state came');
  const buffer = Buffer.alloc(4096);
  const { length, fds } = receiveDescriptors(agent, buffer, 4, 'receive the state');
  assert.is(fds.length, 1);
  const listener = fds[0] ?? -1;
  assert.equal(JSON.parse(buffer.subarray(0, length).toString()), {
    ociVersion: '1.3.0',
    fds: ['seccompFd'],
    pid: stub.pid,
    metadata: 'MKDIR=pretend',
    state,
  });
  answer(listener, { flags: SECCOMP_USER_NOTIF_FLAG_CONTINUE });
  assert.ok(readable(agent, WAIT), 'the end of the connection came');
  assert.is(receiveDescriptors(agent, buffer, 4, 'receive').length, 0, 'one state a connection');
  answer(listener, reply);
  const { code } = stub.wait();
  closeDescriptor(listener);
  closeDescriptor(agent);
  return code;
}

withLibrary('an agent pretends, refuses and lets pass', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    const path = join(directory, 'made');
    assert.is(mkdir(path, {}), 0, 'mkdir believes the agent');
    assert.not.ok(existsSync(path));
    assert.is(mkdir(path, { error: 28 }), 1);
    assert.not.ok(existsSync(path));
    assert.is(mkdir(path, { flags: SECCOMP_USER_NOTIF_FLAG_CONTINUE }), 0);
    assert.ok(existsSync(path));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const WAIT_KILLABLE = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';
const killable = tryLibseccomp() && supportedFlags().includes(WAIT_KILLABLE);
if (!killable) console.log(`skipped: this kernel does not support ${WAIT_KILLABLE}`);
(killable ? test : test.skip)('WAIT_KILLABLE_RECV: what the agent has taken no signal takes from it', () => {
  const validAfterSignal = (flags: SeccompFlag[]): boolean => {
    let valid = false;
    const before = (listener: number, id: Buffer, pid: number): boolean => {
      // Whoever stops leaves the system call, and begins it again with a new notification.
      for (const signal of ['SIGSTOP', 'SIGCONT'] as const) {
        process.kill(pid, signal);
        pause(200);
      }
      valid = syscall(SYS.ioctl, listener, SECCOMP_IOCTL_NOTIF_ID_VALID, id) === 0;
      return valid;
    };
    assert.is(mkdir('/never', { before }, { ...config, flags }), 0);
    return valid;
  };
  assert.is(validAfterSignal([]), false);
  assert.is(validAfterSignal([WAIT_KILLABLE]), true);
});

withLibrary('a filter with an agent and no connection is an error', () => {
  const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  assert.throws(() => installFilter(stub.program(), compileFilter(config)), /no connection/);
  stub.dismiss();
});

test('connecting: to a path longer than sun_path, and to nobody', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  const deep = join(directory, 'd'.repeat(100));
  const server = createServer();
  const connected = new Promise<string>((resolve) => {
    server.on('connection', (socket) => {
      socket.on('data', (data) => resolve(data.toString()));
      socket.on('end', () => socket.end());
    });
  });
  try {
    await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve));
    mkdirSync(deep);
    renameSync(join(directory, 's'), join(deep, 'socket'));
    const socket = connectAgent(join(deep, 'socket'));
    check('send', 'sendto', socket, Buffer.from('hello'), 5, 0, 0, 0);
    closeDescriptor(socket);
    assert.is(await connected, 'hello');
    assert.throws(() => connectAgent('/does/not/exist'), /seccomp agent at \/does\/not\/exist: ENOENT/);
    assert.throws(() => connectAgent('/dev/null'), /seccomp agent at \/dev\/null: ECONNREFUSED/);
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
});

test.run();
