// A network of its own for a test: this process moves to a new network namespace, and containers are processes in others.

import { spawnSync } from 'node:child_process';
import { CLONE_NEWNET } from '../../src/linux/constants.ts';
import { check } from '../../src/linux/descriptor.ts';
import { StubProcess } from '../../src/stub/process.ts';

/**
 * From here on the namespace of this process is a new one, with loopback down and nothing else: setns(2) and unshare(2)
 * move one thread, the main one, and that is where children are forked.
 */
export function enterNewNamespace(): void {
  check('make a network namespace', 'unshare', CLONE_NEWNET);
}

/** A process in a new network namespace, waiting. */
export function startContainer(): StubProcess {
  const boot = StubProcess.spawn({ stdio: [0, 1, 2] });
  try {
    return boot.clone(CLONE_NEWNET, 'clone');
  } finally {
    boot.dismiss();
  }
}

export function withContainer(body: (container: StubProcess) => void): void {
  const container = startContainer();
  try {
    body(container);
  } finally {
    container.dismiss();
  }
}

/** Runs a command; its output. Throws when it fails. */
export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Runs a command in the network namespace of a process. */
export function runIn(pid: number, command: string, ...args: string[]): string {
  return run('nsenter', '-t', `${pid}`, '-n', command, ...args);
}

/** Why a test that needs these devices cannot run here; undefined if it can. */
export function missingDevices(): string | undefined {
  for (const kind of ['veth', 'bridge']) {
    const { status } = spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'probe', 'type', kind]);
    if (status !== 0) return `this kernel has no ${kind}`;
  }
  return undefined;
}
