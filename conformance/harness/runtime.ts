// Executes the runtime under test, one bounded command after another.

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from './expect.ts';

/** No command of a runtime may take longer, in milliseconds. */
const TIME_LIMIT = 30_000;

export interface Runtime {
  /** As the runtime calls itself: `runc`. */
  name: string;
  version: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Whether it can use cgroup v1: features-linux.md#cgroup. */
  cgroupV1: boolean;
}

export interface Result {
  /** What was executed, for messages: `runc start`. */
  command: string;
  /** Exit code; -1 if a signal ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface ExecOptions {
  /** A file that takes standard output; standard error goes beside it, to `FILE.err`. */
  output: string;
  cwd?: string;
  /** A command that executes the runtime: `['nsenter', '--mount=…']`. */
  prefix?: readonly string[];
  env?: Record<string, string>;
  /** Descriptors that the runtime inherits from 3 on. */
  descriptors?: readonly number[];
}

/** Finds the runtime that a person named, by path or in PATH. */
export function findRuntime(command: string): Runtime {
  const file = command.includes('/') || existsSync(command) ? resolve(command) : command;
  const version = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: TIME_LIMIT });
  if (version.error || version.status !== 0) {
    throw new Error(`${file} --version: ${version.error?.message ?? version.stderr.trim()}`);
  }
  const [, name = file, number = ''] = /^(\S+) version (\S+)/.exec(version.stdout) ?? [];
  return { name, version: number, argv: [file], env: {}, cgroupV1: canUseCgroupV1(file) };
}

/** A runtime that does not say otherwise, or has no `features`, can. */
function canUseCgroupV1(file: string): boolean {
  const { status, stdout } = spawnSync(file, ['features'], { encoding: 'utf8', timeout: TIME_LIMIT });
  try {
    return status !== 0 || JSON.parse(stdout).linux?.cgroup?.v1 !== false;
  } catch {
    return true;
  }
}

/**
 * Executes the runtime with files as its standard streams, never pipes: what `create` leaves behind keeps
 * its streams open, and a pipe would never end.
 */
export async function execRuntime(
  runtime: Runtime,
  args: readonly string[],
  options: ExecOptions,
): Promise<Result> {
  const [file = '', ...rest] = [...(options.prefix ?? []), ...runtime.argv, ...args];
  const out = openSync(options.output, 'w');
  const err = openSync(`${options.output}.err`, 'w');
  const code = await new Promise<number | null>((settle, reject) => {
    const child = spawn(file, rest, {
      cwd: options.cwd ?? '/',
      env: { PATH: process.env.PATH ?? '', ...runtime.env, ...options.env },
      stdio: ['ignore', out, err, ...(options.descriptors ?? [])],
      timeout: TIME_LIMIT,
      killSignal: 'SIGKILL',
    });
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => settle(signal === 'SIGKILL' ? null : (exitCode ?? -1)));
  }).finally(() => {
    closeSync(out);
    closeSync(err);
  });
  const command = `${runtime.name} ${args.find((word) => /^[a-z]+$/.test(word)) ?? ''}`;
  if (code === null) throw new Failure(`${command} did not end within ${TIME_LIMIT / 1000} s`);
  return {
    command,
    code,
    stdout: readFileSync(options.output, 'utf8'),
    stderr: readFileSync(`${options.output}.err`, 'utf8'),
  };
}
