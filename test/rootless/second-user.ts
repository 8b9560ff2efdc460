// A second, real user of this machine, and tsoci as that user runs it.

import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { type Result, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

export const USER = 'tsocitest';

/** The uid of the second user, whose group has the same number. It is made if it is missing. */
export function ensureUser(): number | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  if (spawnSync('id', [USER]).status !== 0) spawnSync('useradd', ['--create-home', '--user-group', USER]);
  const { status, stdout } = spawnSync('id', ['-u', USER], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

/** The arguments of setpriv(1) for a command as the user. */
export function asUser(...command: string[]): string[] {
  return as(USER, ...command);
}

/** The same of a user, by name or number, whose group has that name or number. */
function as(user: string, ...command: string[]): string[] {
  return ['--reuid', user, '--regid', user, '--clear-groups', '--', ...command];
}

/** A sandbox whose bundle is the user's. */
export class RootlessSandbox extends Sandbox {
  readonly user: number;
  /** XDG_RUNTIME_DIR of the user, where the state goes. */
  readonly runtimeDirectory = join(this.directory, 'run');
  /** What executes the commands of the user, as root. */
  prefix: readonly string[] = [];
  /** What executes them as the user. */
  within: readonly string[] = [];
  environment: NodeJS.ProcessEnv = { PATH: process.env.PATH, XDG_RUNTIME_DIR: this.runtimeDirectory, USER };

  constructor(user: number) {
    super();
    this.user = user;
    mkdirSync(this.runtimeDirectory);
    for (const path of [this.runtimeDirectory, this.bundle, this.rootfs]) chownSync(path, user, user);
    for (const name of readdirSync(this.rootfs)) chownSync(join(this.rootfs, name), user, user);
  }

  /** A command of the user; no --root: the state goes where it does by default. */
  override tsoci(...args: string[]): Result {
    return this.#run('pipe', args);
  }

  override detached(...args: string[]): number | null {
    return this.#run('ignore', args).status;
  }

  #run(output: 'pipe' | 'ignore', args: string[]) {
    const [command = '', ...rest] = [
      ...this.prefix,
      'setpriv',
      ...as(String(this.user), ...this.within, tsociPath, ...args),
    ];
    return spawnSync(command, rest, {
      encoding: 'utf8',
      cwd: this.bundle,
      env: this.environment,
      stdio: [this.stdin, output, output],
      timeout: TIMEOUT,
      killSignal: 'SIGKILL',
    });
  }

  /** What `spec --rootless` writes, with a script in place of the shell. */
  override configure(script: string, change: Parameters<Sandbox['configure']>[1] = () => {}): void {
    const path = join(this.bundle, 'config.json');
    rmSync(path, { force: true });
    const { status, stderr } = this.tsoci('spec', '--rootless');
    assert.is(status, 0, stderr);
    const config = JSON.parse(readFileSync(path, 'utf8')) as Config &
      Required<Pick<Config, 'process' | 'linux'>>;
    config.process = { ...config.process, terminal: false, args: ['sh', '-c', script] };
    change(config);
    writeFileSync(path, JSON.stringify(config));
  }

  /** Ids of the containers that there are. */
  containers(): string[] {
    const state = join(this.runtimeDirectory, 'tsoci');
    return readdirSync(this.runtimeDirectory).includes('tsoci') ? readdirSync(state) : [];
  }

  override leftovers(): string[] {
    return [...this.containers(), ...super.leftovers()];
  }

  override close(): void {
    for (const id of this.containers()) this.tsoci('delete', '--force', id);
    super.close();
  }
}
