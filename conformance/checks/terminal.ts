// config.md#process, terminal and consoleSize; config-linux.md#default-devices, /dev/console.

import { createReadStream, readlinkSync } from 'node:fs';
import type { Check } from '../harness/check.ts';
import type { Container } from '../harness/container.ts';
import { expect, expectEqual, expectMatch, expectSuccess } from '../harness/expect.ts';
import { prints } from '../harness/shapes.ts';
import type { Edit, Trial } from '../harness/trial.ts';

interface TerminalContainer {
  container: Container;
  /** The master side of the pseudoterminal. */
  master: number;
}

/** Creates a container with a terminal, which its console socket receives. */
async function createWithTerminal(
  trial: Trial,
  script: string,
  edit: Edit = () => {},
): Promise<TerminalContainer> {
  const { listenAt } = await import('../harness/listener.ts');
  const socket = trial.path('console.sock');
  const receive = listenAt(socket, (undo) => trial.defer(undo));
  const bundle = trial.bundle(script, (config, made) => {
    config.process.terminal = true;
    edit(config, made);
  });
  const container = trial.container(bundle);
  const result = await container.create('--console-socket', socket);
  expectSuccess({ ...result, stderr: container.errors });
  const [master, ...others] = (await receive()).descriptors;
  expect(master !== undefined && others.length === 0, 'the console socket did not get one descriptor');
  return { container, master };
}

/** What a script prints on its terminal, from create to exit. */
async function printed(trial: Trial, script: string, edit?: Edit): Promise<string> {
  const { container, master } = await createWithTerminal(trial, script, edit);
  let output = '';
  const stream = createReadStream('', { fd: master, autoClose: false });
  // The end of a terminal is an error of read: EIO.
  const ended = new Promise((settle) => stream.once('error', settle).once('end', settle));
  stream.on('data', (data) => {
    output += data;
  });
  expectSuccess(await container.start());
  await ended;
  return output.replaceAll('\r\n', '\n').trimEnd();
}

export const checks: Check[] = [
  {
    id: 'terminal-is-passed',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'With terminal, a pseudoterminal is allocated, and its master goes to the console socket.',
    broken: { ignores: '/process/terminal' },
    async run(trial) {
      const { master } = await createWithTerminal(trial, 'true');
      expectMatch(readlinkSync(`/proc/self/fd/${master}`), /ptmx$/, 'what the console socket got');
    },
  },
  {
    id: 'terminal-streams',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'With terminal, the three standard streams of the program are the pseudoterminal.',
    broken: { ignores: '/process/terminal' },
    async run(trial) {
      const script =
        'for fd in 0 1 2; do test -t $fd && echo $fd; done; stat -Lc %t:%T /proc/self/fd/0 /dev/console';
      const lines = (await printed(trial, script)).split('\n');
      expectEqual(lines.slice(0, 3), ['0', '1', '2'], 'the list of terminals');
      expectEqual(lines[3], lines[4], 'the device of standard input');
    },
  },
  {
    id: 'terminal-controlling',
    section: 'config.md#process',
    level: 'SHOULD',
    requirement: 'With terminal, it is the controlling terminal of the program: /dev/tty can be opened.',
    broken: { ignores: '/process/terminal' },
    async run(trial) {
      expectEqual(await printed(trial, 'echo through /dev/tty >/dev/tty'), 'through /dev/tty', 'the output');
    },
  },
  {
    id: 'terminal-console-size',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'With terminal, consoleSize is the size of the terminal.',
    broken: { ignores: '/process/consoleSize' },
    async run(trial) {
      const output = await printed(trial, 'stty size', (config) => {
        config.process.consoleSize = { height: 31, width: 77 };
      });
      expectEqual(output, '31 77', 'the size');
    },
  },
  {
    id: 'terminal-console-size-ignored',
    section: 'config.md#process',
    level: 'MUST',
    requirement: 'Without terminal, consoleSize is ignored.',
    musts: [1],
    broken: { reads: '/process/terminal', as: true },
    run: prints(
      'echo ran',
      (config) => {
        config.process.consoleSize = { height: 31, width: 77 };
      },
      'ran',
    ),
  },
  {
    id: 'default-device-console',
    section: 'config-linux.md#default-devices',
    level: 'MUST',
    requirement: 'With terminal, /dev/console is a bind mount of the pseudoterminal.',
    musts: [1],
    broken: { ignores: '/process/terminal' },
    async run(trial) {
      const output = await printed(trial, 'grep " /dev/console " /proc/self/mountinfo');
      expectMatch(output, / \/\d+ \/dev\/console .* - devpts /, 'the mount');
    },
  },
];
