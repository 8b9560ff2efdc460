// One container and the operations of the runtime on it: runtime.md#operations.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { expectSuccess, Failure } from './expect.ts';
import { isAlive, until } from './proc.ts';
import { type ExecOptions, execRuntime, type Result, type Runtime } from './runtime.ts';

export interface Bundle {
  /** Unique on this host; the container's ID, and the first part of its cgroup's path. */
  id: string;
  directory: string;
  rootfs: string;
  config: Config;
}

/** runtime.md#state. Everything is optional: what is missing is for the checks to find. */
export interface State {
  ociVersion?: unknown;
  id?: unknown;
  status?: unknown;
  pid?: unknown;
  bundle?: unknown;
  annotations?: unknown;
}

/** How the runtime is executed for one container, apart from its arguments. */
export type RuntimeOptions = Omit<ExecOptions, 'output'>;

export class Container {
  readonly id: string;
  readonly bundle: Bundle;
  /** What the container's process wrote to its standard output goes here. */
  readonly outputFile: string;
  readonly runtimeOptions: RuntimeOptions;
  /** The `--root` of the runtime. */
  readonly stateRoot: string;
  readonly #runtime: Runtime;
  readonly #directory: string;
  #commands = 0;

  constructor(
    runtime: Runtime,
    directory: string,
    bundle: Bundle,
    id: string,
    runtimeOptions: RuntimeOptions,
  ) {
    this.#runtime = runtime;
    this.#directory = directory;
    this.bundle = bundle;
    this.id = id;
    this.runtimeOptions = runtimeOptions;
    this.stateRoot = join(directory, 'state');
    this.outputFile = join(directory, `${id}.output`);
  }

  /** Executes `--root DIR ARGS…` with its output in a file of this container. */
  exec(args: readonly string[], options: Partial<ExecOptions> = {}): Promise<Result> {
    this.#commands++;
    const output = join(this.#directory, `${this.id}.${this.#commands}.${args[0]}`);
    return execRuntime(this.#runtime, ['--root', this.stateRoot, ...args], {
      output,
      ...this.runtimeOptions,
      ...options,
    });
  }

  create(...flags: string[]): Promise<Result> {
    const { directory } = this.bundle;
    return this.exec(['create', '--bundle', directory, '--pid-file', this.#pidFile, ...flags, this.id], {
      output: this.outputFile,
    });
  }

  start(): Promise<Result> {
    return this.exec(['start', this.id]);
  }

  query(): Promise<Result> {
    return this.exec(['state', this.id]);
  }

  kill(...signal: string[]): Promise<Result> {
    return this.exec(['kill', this.id, ...signal]);
  }

  delete(...flags: string[]): Promise<Result> {
    return this.exec(['delete', ...flags, this.id]);
  }

  /** The state, which must be there. */
  async state(): Promise<State> {
    return JSON.parse(expectSuccess(await this.query()).stdout);
  }

  async status(): Promise<unknown> {
    return (await this.state()).status;
  }

  /** Whether the runtime knows a container of this ID. */
  async exists(): Promise<boolean> {
    return (await this.query()).code === 0;
  }

  /** The container process's ID on the host, as `create` wrote it to the pid file. */
  get pid(): number {
    const pid = this.knownPid;
    if (pid === undefined) throw new Failure('create wrote no process ID to the pid file');
    return pid;
  }

  get knownPid(): number | undefined {
    if (!existsSync(this.#pidFile)) return undefined;
    return Number.parseInt(readFileSync(this.#pidFile, 'utf8'), 10) || undefined;
  }

  get #pidFile(): string {
    return join(this.#directory, `${this.id}.pid`);
  }

  /** The container's standard output so far. */
  get output(): string {
    return existsSync(this.outputFile) ? readFileSync(this.outputFile, 'utf8') : '';
  }

  get errors(): string {
    const file = `${this.outputFile}.err`;
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** Waits until the container process has exited. */
  async exited(): Promise<void> {
    const { pid } = this;
    await until(() => !isAlive(pid), 'the exit of the container process');
  }

  /** Waits until the container has printed a line. */
  async printed(line: string): Promise<void> {
    await until(() => this.output.split('\n').includes(line), `the container's line "${line}"`);
  }
}
