// runtime.md#kill: a signal reaches the container process, and nothing else.

import { constants } from 'node:os';
import type { Check } from '../harness/check.ts';
import { expectEqual, expectError, expectSuccess } from '../harness/expect.ts';
import { WAIT } from '../harness/trial.ts';

/** Prints the signals that it gets until TERM comes. */
const TRAPS = `trap 'echo got usr1' USR1; trap 'echo got usr2' USR2; trap 'echo got term; exit' TERM
echo ready; while :; do sleep 0.02; done`;

export const checks: Check[] = [
  {
    id: 'kill-term',
    section: 'runtime.md#kill',
    level: 'MUST',
    requirement: 'kill sends the signal it was given to the process of a running container.',
    musts: [3],
    also: ['runtime.md#operations/1', 'runtime.md#scope-of-a-container/1'],
    broken: { skips: 'kill' },
    async run(trial) {
      const container = await trial.started(TRAPS);
      await container.printed('ready');
      expectSuccess(await container.kill('TERM'));
      await container.printed('got term');
    },
  },
  ...['USR1', 'SIGUSR1', String(constants.signals.SIGUSR1)].map(
    (signal): Check => ({
      id: `kill-by-${/^\d/.test(signal) ? 'number' : signal.startsWith('SIG') ? 'full-name' : 'name'}`,
      section: 'runtime.md#kill',
      level: 'MUST',
      requirement: `The signal may be given as ${signal}.`,
      musts: [3],
      broken: { skips: 'kill' },
      async run(trial) {
        const container = await trial.started(TRAPS);
        await container.printed('ready');
        expectSuccess(await container.kill(signal));
        await container.printed('got usr1');
        expectEqual(container.output.includes('usr2'), false, 'arrival of another signal');
      },
    }),
  ),
  {
    id: 'kill-created',
    section: 'runtime.md#kill',
    level: 'MUST',
    requirement: 'A created container, too, can be sent a signal: KILL ends it.',
    musts: [2, 3],
    broken: { skips: 'kill' },
    async run(trial) {
      const container = await trial.created(WAIT);
      expectSuccess(await container.kill('KILL'));
      await container.exited();
      expectEqual(await container.status(), 'stopped', 'status');
    },
  },
  {
    id: 'kill-only-container-process',
    section: 'runtime.md#kill',
    level: 'MUST',
    requirement: 'Other processes of the container do not get the signal.',
    musts: [3],
    broken: { adds: '--all', to: 'kill' },
    async run(trial) {
      const child = `sh -c 'trap "echo child got it" USR1; echo child; while :; do sleep 0.02; done' &`;
      const container = await trial.started(`${child}\n${TRAPS}`);
      await container.printed('ready');
      await container.printed('child');
      expectSuccess(await container.kill('USR1'));
      await container.printed('got usr1');
      await new Promise((settle) => setTimeout(settle, 150));
      expectEqual(container.output.includes('child got it'), false, 'arrival at the other process');
    },
  },
  {
    id: 'kill-without-id',
    section: 'runtime.md#kill',
    level: 'MUST',
    requirement: 'kill without a container ID is an error.',
    musts: [1],
    broken: { forgives: 'kill' },
    async run(trial) {
      const container = await trial.created(WAIT);
      expectError(await container.exec(['kill']), 'it was given no ID');
      expectEqual(await container.status(), 'created', 'status');
    },
  },
  {
    id: 'kill-unknown-id',
    section: 'runtime.md#kill',
    level: 'MUST',
    requirement: 'kill of a container that does not exist is an error.',
    musts: [2],
    broken: { forgives: 'kill' },
    async run(trial) {
      const container = trial.container(trial.bundle(WAIT));
      expectError(await container.kill('TERM'), 'there is no such container');
    },
  },
  {
    id: 'kill-stopped',
    section: 'runtime.md#kill',
    level: 'MUST',
    requirement: 'kill of a stopped container is an error and has no effect.',
    musts: [2],
    broken: { forgives: 'kill' },
    async run(trial) {
      const container = await trial.stopped('true');
      expectError(await container.kill('TERM'), 'the container was stopped');
      expectEqual(await container.status(), 'stopped', 'status');
    },
  },
  {
    id: 'kill-unknown-signal',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A signal that does not exist is an error of kill.',
    broken: { forgives: 'kill' },
    async run(trial) {
      const container = await trial.running();
      expectError(await container.kill('NOSUCHSIGNAL'), 'there is no such signal');
      expectEqual(await container.status(), 'running', 'status');
    },
  },
];
