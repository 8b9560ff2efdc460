// A container that this program has made: its life ends with that of the object, however the program leaves it.

import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { Config } from '../config/generated/types.ts';
import { stringifyJson } from '../config/stringify.ts';
import { type Attended, attend } from './child.ts';
import type { Stdio, Tsoci } from './command-line.ts';
import { ContainerHandle } from './container-handle.ts';
import { onAbort } from './container-process.ts';
import type { Exit } from './exit.ts';
import { makeDirectory, OWNER_ANNOTATION, ownName } from './owner.ts';
import { type Pipes, piped } from './streams.ts';
import { systemError, TsociError } from './tsoci-error.ts';

/** How a container is made, beside its configuration. */
export interface CreateOptions extends Stdio {
  /** Unique under the runtime's root: letters, digits and `_+.-`. One is made up unless given. */
  readonly id?: string;
  /** Lay a writable layer in memory over the root filesystem, which goes with the container. */
  readonly overlay?: boolean;
  /** Attach it to a bridge: what `tsoci run --network` takes, as `publish=8080:80`. */
  readonly network?: string;
  /** Its abort kills and deletes the container. */
  readonly signal?: AbortSignal;
}

/**
 * A container that this program has made. Its process waits for {@link ContainerHandle.start | start}.
 *
 * `await using` kills and deletes it at the end of the block.
 */
export class Container extends ContainerHandle implements AsyncDisposable {
  readonly #pipes: Pipes;
  readonly #exited: Promise<Exit>;
  readonly #directory: string;
  readonly #signal: AbortSignal | undefined;
  /** Aborted when the container is gone. */
  readonly #gone = new AbortController();
  /** By force, while it goes on. */
  #removal: Promise<void> | undefined;

  private constructor(tsoci: Tsoci, id: string, { pipes, exited }: Attended, made: Made) {
    super(tsoci, id);
    this.#pipes = pipes;
    this.#exited = exited;
    this.#directory = made.directory;
    this.#signal = made.signal;
    onAbort(made.signal, this.#gone.signal, () => this.#abandon());
  }

  /** @internal */
  static async make(
    tsoci: Tsoci,
    { config, id, options }: { config: Config; id: string; options: CreateOptions },
  ): Promise<Container> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (!/^[A-Za-z0-9_+.-]+$/.test(id))
      throw new TsociError(
        `invalid container id ${JSON.stringify(id)}: only letters, digits and _ + . - are allowed`,
      );
    const directory = await makeDirectory(tsoci.directory);
    const created = new AbortController();
    try {
      await writeBundle(directory, config);
      const attended = await attend(
        tsoci,
        { directory, name: 'create' },
        options,
        (socket) => [
          ...['create', '--wait', `--bundle=${directory}`, `--pidfd-socket=${socket}`],
          ...(options.overlay ? ['--overlay'] : []),
          ...(options.network === undefined ? [] : [`--network=${options.network}`]),
          ...['--', id],
        ],
        // A create that is not done is given up, and takes back what it has made.
        (child) => onAbort(signal, created.signal, () => child.kill('SIGTERM')),
      );
      created.abort();
      const container = new Container(tsoci, id, attended, { directory, signal });
      if (signal?.aborted) await container.delete({ force: true });
      signal?.throwIfAborted();
      return container;
    } catch (error) {
      created.abort();
      await rm(directory, { recursive: true, force: true });
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** What its process reads. Throws unless it is a pipe. */
  get stdin(): Writable {
    return piped(this.#pipes.stdin, 'stdin');
  }

  /** What its process writes. Throws unless it is a pipe. */
  get stdout(): Readable {
    return piped(this.#pipes.stdout, 'stdout');
  }

  /** What its process writes to standard error. Throws unless it is a pipe. */
  get stderr(): Readable {
    return piped(this.#pipes.stderr, 'stderr');
  }

  /**
   * The end of its process. An abort kills and deletes the container; the promise rejects with the reason once nothing is left
   * of it.
   */
  async wait(options: { signal?: AbortSignal } = {}): Promise<Exit> {
    const signals = [options.signal, this.#signal].filter((signal) => signal !== undefined);
    const signal = AbortSignal.any(signals);
    const done = new AbortController();
    onAbort(signal, done.signal, () => this.#abandon());
    try {
      const exit = await this.#exited;
      if (!signal.aborted) return exit;
      await this.delete({ force: true });
      throw signal.reason;
    } finally {
      done.abort();
    }
  }

  /** Removes it once it is stopped; with `force` whatever it does. Once it is removed, this does nothing. */
  override async delete({ force = false }: { force?: boolean } = {}): Promise<void> {
    if (this.#gone.signal.aborted) return;
    if (!force) return this.#remove(false);
    this.#removal ??= this.#remove(true).finally(() => {
      this.#removal = undefined;
    });
    await this.#removal;
  }

  /** Kills and deletes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete({ force: true });
  }

  async #remove(force: boolean): Promise<void> {
    await super.delete({ force });
    await this.#exited.catch(() => {});
    await rm(this.#directory, { recursive: true, force: true });
    this.#gone.abort();
  }

  /** After an abort. Who waits is told if it fails; so is whoever deletes. */
  #abandon(): void {
    this.delete({ force: true }).catch(() => {});
  }
}

interface Made {
  directory: string;
  signal: AbortSignal | undefined;
}

/** The bundle is the directory, but for the root filesystem, which is where the configuration says. */
async function writeBundle(directory: string, { root, annotations, ...config }: Config): Promise<void> {
  const file = join(directory, 'config.json');
  const text = stringifyJson({
    ...config,
    ...(root && { root: { ...root, path: resolve(root.path) } }),
    annotations: { ...annotations, [OWNER_ANNOTATION]: ownName() },
  });
  try {
    await writeFile(file, text, { mode: 0o600 });
  } catch (error) {
    throw systemError('write', file, error);
  }
}
