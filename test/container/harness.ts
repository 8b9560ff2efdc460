// Bundles and commands for tests of the whole executable. Everything a test makes is under one directory, has one
// prefix, and is looked for again at the end: nothing may be left.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { exampleConfig } from '../../src/config/spec.ts';
import { allPids, processStat } from '../../src/linux/procfs.ts';
import { pause } from '../../src/linux/sleep.ts';
import { patience } from '../patience.ts';
import { closeSandbox, makeSandbox, sweepSandboxes, TIMEOUT, tsociPath } from './sandboxes.ts';

export { TIMEOUT, tsociPath } from './sandboxes.ts';

const applets = [
  'sh',
  'cat',
  'ls',
  'id',
  'mount',
  'sleep',
  'true',
  'false',
  'echo',
  'stat',
  'ps',
  'kill',
  'env',
];
applets.push(
  'pwd',
  'hostname',
  'mkdir',
  'touch',
  'readlink',
  'test',
  'grep',
  'tty',
  'stty',
  'dd',
  'mknod',
  'umount',
  'chown',
  'chmod',
);

/** A rootfs needs a program that needs no library. */
function findBusybox(): string {
  const path = ['/bin/busybox', '/usr/bin/busybox'].find((candidate) => existsSync(candidate));
  if (path) return path;
  console.log('skip: needs busybox (Debian: busybox-static)');
  process.exit(0);
}

const busybox = findBusybox();

/** The exit status of `exec` when it is tsoci that fails. */
export const EXEC_FAILED = 255;

export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

export class Sandbox {
  /** The tsoci that its commands are. */
  readonly launcher: string = tsociPath;
  readonly directory = makeSandbox();
  readonly root = join(this.directory, 'state');
  readonly bundle = join(this.directory, 'bundle');
  readonly rootfs = join(this.bundle, 'rootfs');
  /** Of its commands. */
  stdin: 'ignore' | number = 'ignore';
  readonly #prefix = `t${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  #count = 0;

  constructor() {
    sweepSandboxes();
    for (const name of ['bin', 'etc', 'tmp', 'proc', 'dev', 'sys', 'root']) {
      mkdirSync(join(this.rootfs, name), { recursive: true });
    }
    chmodSync(this.directory, 0o755);
    copyFileSync(busybox, join(this.rootfs, 'bin', 'busybox'));
    for (const applet of applets) symlinkSync('busybox', join(this.rootfs, 'bin', applet));
    writeFileSync(
      join(this.rootfs, 'etc', 'passwd'),
      'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n',
    );
  }

  /** An id that no other container has. */
  id(): string {
    return `${this.#prefix}-${this.#count++}`;
  }

  /** Writes config.json: the default one with a shell script as its process, changed by `change`. */
  configure(script: string, change: Change = () => {}): void {
    const config = exampleConfig() as Parameters<Change>[0];
    config.process.terminal = false;
    config.process.args = ['/bin/sh', '-c', script];
    config.process.env = ['PATH=/bin'];
    config.process.rlimits = [];
    config.root = { path: 'rootfs', readonly: false };
    change(config);
    this.write(JSON.stringify(config, (_, value) => (typeof value === 'bigint' ? Number(value) : value)));
  }

  write(text: string): void {
    writeFileSync(join(this.bundle, 'config.json'), text);
  }

  /** A command with this sandbox's state directory. */
  tsoci(...args: string[]): Result {
    return this.tsociWith({}, ...args);
  }

  tsociWith(options: { env?: NodeJS.ProcessEnv; input?: string; cwd?: string }, ...args: string[]): Result {
    const result: SpawnSyncReturns<string> = spawnSync(this.launcher, ['--root', this.root, ...args], {
      encoding: 'utf8',
      timeout: TIMEOUT,
      killSignal: 'SIGKILL',
      cwd: options.cwd ?? this.bundle,
      stdio: [options.input === undefined ? this.stdin : 'pipe', 'pipe', 'pipe'],
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(options.env && { env: options.env }),
    });
    if (result.error) throw result.error;
    return result;
  }

  /** A command whose output is not read: what it starts may live on and hold on to a pipe. */
  detached(...args: string[]): number | null {
    const options = { timeout: TIMEOUT, cwd: this.bundle, stdio: 'ignore' } as const;
    return spawnSync(this.launcher, ['--root', this.root, ...args], options).status;
  }

  /** Runs a script in a container; its standard output. */
  run(script: string, change?: Parameters<Sandbox['configure']>[1]): string {
    this.configure(script, change);
    const { status, stdout, stderr } = this.tsoci('run', this.id());
    assert.is(status, 0, stderr);
    return stdout;
  }

  state(id: string): { status: string; pid: number; [key: string]: unknown } {
    const { status, stdout, stderr } = this.tsoci('state', id);
    assert.is(status, 0, stderr);
    return JSON.parse(stdout);
  }

  /** What tests may have left: state, cgroups, processes, mounts. */
  leftovers(): string[] {
    return [
      ...(existsSync(this.root) ? readdirSync(this.root).filter((name) => !name.startsWith('~')) : []),
      ...cgroups().filter((path) => path.includes(this.#prefix)),
      ...processes().filter((line) => line.includes(this.directory) || line.includes(this.#prefix)),
      ...readFileSync('/proc/self/mounts', 'utf8')
        .split('\n')
        .filter((line) => line.includes(this.directory)),
    ];
  }

  /** Deletes every container, and removes the sandbox. */
  close(): void {
    closeSandbox(this.directory);
  }
}

/** Directories of cgroup v2 at most four levels deep. */
function cgroups(): string[] {
  const mount = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';
  const found: string[] = [];
  const walk = (directory: string, depth: number): void => {
    for (const name of subdirectories(directory)) {
      found.push(join(directory, name));
      if (depth > 1) walk(join(directory, name), depth - 1);
    }
  };
  if (existsSync(mount)) walk(mount, 4);
  return found;
}

/** None of one that is gone: others come and go while we look. */
function subdirectories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Command lines of all other processes, and of stubs by the name of their executable. */
function processes(): string[] {
  return commandLines()
    .filter(({ pid }) => pid !== process.pid)
    .map(({ pid, line }) => `${pid} ${line}`);
}

/** The words of all processes that there are, each with a space behind it. */
export function commandLines(): { pid: number; line: string }[] {
  return allPids().flatMap((pid) => {
    try {
      return [{ pid, line: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }];
    } catch {
      return [];
    }
  });
}

/** Whether a child of a process has this command line. */
export function hasChild(parent: number | undefined, line: string): boolean {
  return commandLines().some(
    (found) => found.line === `${line} ` && processStat(found.pid)?.parent === parent,
  );
}

/** Why ps(1) cannot be asked. */
export const missingPs: string | undefined = spawnSync('ps').error
  ? 'ps(1) is not installed (Debian: procps)'
  : undefined;

/** What a test changes in the config of a sandbox. */
export type Change = (config: Config & Required<Pick<Config, 'process' | 'linux'>>) => void;

/** Users of a user namespace, as users of the host that nobody has. */
export const mapUsers: Change = ({ linux }) => {
  linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
};

/** A user namespace of the container's own. */
export const userNamespace: Change = (config) => {
  config.linux.namespaces?.push({ type: 'user' });
  mapUsers(config);
};

/** Waits until something is so, for at most 10 seconds. */
export function eventually(what: string, condition: () => boolean): void {
  const end = Date.now() + patience(10_000);
  while (!condition()) {
    if (Date.now() > end) throw new Error(`it did not come to: ${what}`);
    pause(20);
  }
}
