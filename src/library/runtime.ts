// The way in: an installed tsoci, and the containers below one root.

import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Config, Features } from '../config/generated/types.ts';
import { command, type Tsoci } from './command-line.ts';
import type { ConfigBuilder } from './config-builder.ts';
import { Container, type CreateOptions } from './container.ts';
import { ContainerHandle, type ContainerState } from './container-handle.ts';
import type { Exit } from './exit.ts';
import type { LogEntry } from './json-log.ts';
import { isGone, OWNER_ANNOTATION, sweepDirectories } from './owner.ts';
import { packagedExecutable } from './packaged-executable.ts';
import { collect } from './streams.ts';
import { TsociError } from './tsoci-error.ts';

/** Which tsoci is used, and how. */
export interface RuntimeOptions {
  /** Its path. Unless given, that of the package for this machine (`@tsoci/linux-x64`), else `tsoci` on the PATH. */
  readonly executable?: string;
  /** Where the state of containers is kept; unless given, /run/tsoci or $XDG_RUNTIME_DIR/tsoci. */
  readonly root?: string;
  /** Let systemd make the cgroups; `cgroupsPath` has then the form slice:prefix:name. */
  readonly systemdCgroup?: boolean;
  /** Where the bundles of containers are put, which this library makes and removes; unless given, the directory for temporary files. */
  readonly directory?: string;
  /** The environment of tsoci, which is not that of containers; unless given, that of this program. */
  readonly env?: NodeJS.ProcessEnv;
  /** Is told what tsoci warns of. */
  readonly log?: (entry: LogEntry) => void;
}

/** How a container is run from its beginning to its end. */
export interface RunOptions extends Omit<CreateOptions, 'stdin' | 'stdout' | 'stderr'> {
  /** What its process reads; nothing unless given. */
  readonly input?: string | Uint8Array | Readable;
  /** The milliseconds that it may take. */
  readonly timeout?: number;
  /** How many bytes it may write to each of standard output and standard error; 16 MiB unless given. */
  readonly maxOutput?: number;
}

/** What came of a container that was run. */
export interface RunResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT = 16 * 1024 * 1024;

/** An installed tsoci, and the containers below one root. Any number of them may be used at once. */
export class Runtime {
  readonly #tsoci: Tsoci;

  constructor(options: RuntimeOptions = {}) {
    const {
      executable = packagedExecutable() ?? 'tsoci',
      root,
      systemdCgroup,
      directory = tmpdir(),
      log,
    } = options;
    const globals = [
      ...(root === undefined ? [] : [`--root=${root}`]),
      ...(systemdCgroup ? ['--systemd-cgroup'] : []),
    ];
    this.#tsoci = { executable, globals, directory, env: options.env ?? process.env, log };
  }

  /** Makes a container, whose process waits for `start`. */
  create(config: Config | ConfigBuilder, options: CreateOptions = {}): Promise<Container> {
    const { id = `lib-${randomUUID()}` } = options;
    return Container.make(this.#tsoci, { config: 'build' in config ? config.build() : config, id, options });
  }

  /**
   * Runs a container to its end, and deletes it. Rejects with the reason of an abort, or a `TimeoutError`, when nothing is
   * left of the container.
   */
  async run(config: Config | ConfigBuilder, options: RunOptions = {}): Promise<RunResult> {
    const { input, timeout, maxOutput = MAX_OUTPUT, ...rest } = options;
    const signals = [options.signal, timeout === undefined ? undefined : AbortSignal.timeout(timeout)];
    const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
    const stdin = input === undefined ? 'ignore' : 'pipe';
    await using container = await this.create(config, { ...rest, signal, stdin });
    const output = Promise.all([
      collect(container.stdout, maxOutput),
      collect(container.stderr, maxOutput),
      input === undefined ? undefined : feed(container, input),
      container.start(),
    ]);
    // Output that is too much, or a failed start, ends it at once; after an abort that is what is told.
    const [[stdout, stderr], exit] = await Promise.all([output, container.wait()]).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    return { ...exit, stdout, stderr };
  }

  /** A container that somebody has made. It is not looked at yet. */
  container(id: string): ContainerHandle {
    return new ContainerHandle(this.#tsoci, id);
  }

  /** The containers below the root. */
  async list(): Promise<ContainerState[]> {
    try {
      return JSON.parse(await command(this.#tsoci, ['list', '--format=json']));
    } catch (error) {
      // The first container makes the root.
      if (error instanceof TsociError && error.code === 'ENOENT' && error.step?.startsWith('list '))
        return [];
      throw error;
    }
  }

  /** What this tsoci implements. */
  async features(): Promise<Features> {
    return JSON.parse(await command(this.#tsoci, ['features']));
  }

  /** Its version: `0.1.0`. */
  async version(): Promise<string> {
    return (await command(this.#tsoci, ['--version'])).split(/\s+/)[2] ?? '';
  }

  /**
   * Kills and deletes what programs have left that used this library and were killed: containers below the root, and
   * directories. Containers of programs that run, and those that this library has not made, are left alone. The result is the
   * ids of the containers.
   */
  async sweep(): Promise<string[]> {
    const left = (await this.list()).filter(({ annotations }) => {
      const owner = annotations?.[OWNER_ANNOTATION];
      return owner !== undefined && isGone(owner);
    });
    for (const { id } of left) await this.container(id).delete({ force: true });
    await sweepDirectories(this.#tsoci.directory);
    return left.map(({ id }) => id);
  }
}

/** A container need not read all of it. */
async function feed({ stdin }: Container, input: string | Uint8Array | Readable): Promise<void> {
  const source = input instanceof Readable ? input : Readable.from([input]);
  await pipeline(source, stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
      throw error;
  });
}
