// config-linux.md#seccomp, SCMP_ACT_NOTIFY, and config-linux.md#the-container-process-state.

import { readlinkSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import type { Container, State } from '../harness/container.ts';
import { expect, expectEqual, expectMatch, expectSuccess, Failure } from '../harness/expect.ts';
import type { Reception } from '../harness/listener.ts';
import { prints, refuses } from '../harness/shapes.ts';
import { type Edit, type Trial, WAIT } from '../harness/trial.ts';

const section = 'config-linux.md#seccomp';

/** Milliseconds within which the listener here has read what it was sent. */
const SETTLE = 300;
/** A system call that no program here makes. */
const SYSCALL = ['swapoff'];

interface ProcessState {
  ociVersion?: unknown;
  fds?: unknown;
  pid?: unknown;
  metadata?: unknown;
  state?: State;
}

const notifying =
  (listenerPath: string): Edit =>
  (config) => {
    config.annotations = { 'com.example.key': 'value' };
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath,
      listenerMetadata: 'some metadata',
      syscalls: [{ names: SYSCALL, action: 'SCMP_ACT_NOTIFY' }],
    };
  };

/** Runs a container whose listener is here, and takes what the listener is sent. */
async function notified(trial: Trial): Promise<{ container: Container; reception: Reception }> {
  const { listenAt } = await import('../harness/listener.ts');
  const path = trial.path('listener.sock');
  const receive = listenAt(path, (undo) => trial.defer(undo));
  const container = await trial.started(WAIT, notifying(path));
  return { container, reception: await receive() };
}

function stateIn({ text }: Reception): ProcessState {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`the listener was sent ${JSON.stringify(text)}`);
  }
}

/** A runtime that tells its listener nothing: the rule is not a notification any more. */
const SILENT = { reads: '/linux/seccomp/syscalls/0/action', as: 'SCMP_ACT_ERRNO' };

export const checks: Check[] = [
  {
    id: 'seccomp-listener-state',
    section: 'config-linux.md#the-container-process-state',
    level: 'MUST',
    requirement:
      'The listener is sent the container process state as JSON: version, pid, metadata and state.',
    musts: [1],
    also: ['config-linux.md#seccomp/2'],
    broken: { reads: '/linux/seccomp/listenerMetadata', as: 'other metadata' },
    async run(trial) {
      const { container, reception } = await notified(trial);
      const { ociVersion, pid, metadata, state } = stateIn(reception);
      expectMatch(String(ociVersion), /^\d+\.\d+\.\d+/, 'ociVersion');
      expectEqual(pid, container.pid, 'pid');
      expectEqual(metadata, 'some metadata', 'metadata');
      expectEqual(
        [state?.id, state?.bundle],
        [container.id, container.bundle.directory],
        'id and bundle of state',
      );
      expectEqual(state?.annotations, { 'com.example.key': 'value' }, 'annotations of state');
    },
  },
  {
    id: 'seccomp-listener-status',
    section: 'config-linux.md#the-container-process-state',
    level: 'MUST',
    requirement: 'The state that the listener is sent has the status of that moment: creating, or created.',
    broken: SILENT,
    async run(trial) {
      const { listenAt } = await import('../harness/listener.ts');
      const path = trial.path('listener.sock');
      const receive = listenAt(path, (undo) => trial.defer(undo));
      let status = 'creating';
      const told = receive().then((reception) => [stateIn(reception).state?.status, status]);
      const container = await trial.created(WAIT, notifying(path));
      // What was sent before `create` has returned may be read after it.
      await new Promise((resolve) => setTimeout(resolve, SETTLE));
      status = 'created';
      expectSuccess(await container.start());
      const [sent, expected] = await told;
      expectEqual(sent, expected, 'status');
    },
  },
  {
    id: 'seccomp-listener-descriptor',
    section: 'config-linux.md#the-container-process-state',
    level: 'MUST',
    requirement: "The filter's notification descriptor comes with SCM_RIGHTS, named seccompFd in fds.",
    musts: [1],
    broken: SILENT,
    async run(trial) {
      const { reception } = await notified(trial);
      expectEqual(stateIn(reception).fds, ['seccompFd'], 'fds');
      const files = reception.descriptors.map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
      expectEqual(files, ['anon_inode:seccomp notify'], 'the list of descriptors');
    },
  },
  {
    id: 'seccomp-listener-first-message',
    section: 'config-linux.md#the-container-process-state',
    level: 'MUST',
    requirement: 'However many messages there are, the descriptor comes with the first.',
    musts: [2],
    broken: SILENT,
    async run(trial) {
      expectEqual(
        (await notified(trial)).reception.withDescriptors,
        [0],
        'the list of messages with descriptors',
      );
    },
  },
  {
    id: 'seccomp-listener-once',
    section,
    level: 'MUST',
    requirement: 'One state is sent on the connection, which is closed then.',
    musts: [3, 4],
    broken: SILENT,
    async run(trial) {
      const { reception } = await notified(trial);
      expectEqual(typeof stateIn(reception), 'object', 'what was sent');
      expect(reception.closed, 'the connection was not closed');
    },
  },
  {
    id: 'seccomp-listener-missing',
    section,
    level: 'MUST',
    requirement: 'When the state cannot be sent, because nobody listens, it is an error.',
    musts: [5],
    broken: { ignores: '/linux/seccomp' },
    async run(trial) {
      const container = trial.container(trial.bundle(WAIT, notifying(trial.path('nobody'))));
      const { code } = await container.create();
      const failed = code !== 0 || (await container.start()).code !== 0;
      expect(failed, 'create and start succeeded although nobody listened');
    },
  },
  {
    id: 'seccomp-listener-ignored',
    section,
    level: 'MUST',
    requirement: 'listenerPath is ignored when no rule has SCMP_ACT_NOTIFY.',
    broken: { reads: '/linux/seccomp/syscalls/0/action', as: 'SCMP_ACT_NOTIFY' },
    run: prints(
      'echo ran',
      (config) => {
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/no/such/socket',
          syscalls: [{ names: SYSCALL, action: 'SCMP_ACT_ERRNO' }],
        };
      },
      'ran',
    ),
  },
  {
    id: 'seccomp-listener-metadata-alone',
    section,
    level: 'MUST',
    requirement: 'listenerMetadata without listenerPath is an error.',
    musts: [6],
    also: ['config.md#valid-values/1'],
    broken: { ignores: '/linux/seccomp/listenerMetadata' },
    run: refuses('listenerPath is not set', (config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerMetadata: 'some metadata',
        syscalls: [{ names: SYSCALL, action: 'SCMP_ACT_ERRNO' }],
      };
    }),
  },
];
