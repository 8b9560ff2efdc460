// What can be done with each container by its id, whoever made it.

import type { Resources, State } from '../config/generated/types.ts';
import { stringifyJson } from '../config/stringify.ts';
import { command, lines, type Tsoci } from './command-line.ts';
import { ContainerProcess, type ExecOptions } from './container-process.ts';
import type { ContainerEvent, Stats } from './container-stats.ts';

/** What `tsoci state` tells of a container. */
export interface ContainerState extends State {
  /** The root filesystem. */
  rootfs: string;
  /** When it was created, in the form of RFC 3339. */
  created: string;
  /** The user who created it. */
  owner: string;
}

/** How often events are to come. */
export interface EventsOptions {
  /** The milliseconds between two looks at what the container uses; 1000 unless given. */
  readonly interval?: number;
}

/** A container that somebody has made. All methods reject with a {@link TsociError}. */
export class ContainerHandle {
  /** Unique under the runtime's root. */
  readonly id: string;
  /** @internal */
  protected readonly tsoci: Tsoci;

  /** @internal */
  constructor(tsoci: Tsoci, id: string) {
    this.tsoci = tsoci;
    this.id = id;
  }

  /** Asks what state it is in. */
  async state(): Promise<ContainerState> {
    return JSON.parse(await this.#command('state'));
  }

  /** Lets the process of a created container begin. */
  async start(): Promise<void> {
    await this.#command('start');
  }

  /** Sends a signal to its process; to all of its processes with `all`. */
  async kill(signal: NodeJS.Signals | number = 'SIGTERM', options: { all?: boolean } = {}): Promise<void> {
    const words = ['kill', ...(options.all ? ['--all'] : [])];
    await command(this.tsoci, [...words, '--', this.id, String(signal)]);
  }

  /** Freezes all of its processes. */
  async pause(): Promise<void> {
    await this.#command('pause');
  }

  /** Lets them go on. */
  async resume(): Promise<void> {
    await this.#command('resume');
  }

  /** Changes its limits; what is not named stays as it is. */
  async update(resources: Resources): Promise<void> {
    await command(this.tsoci, ['update', '--resources=-', '--', this.id], stringifyJson(resources));
  }

  /** Executes another process in it. Resolves when the process is there. */
  exec(args: readonly [string, ...string[]], options: ExecOptions = {}): Promise<ContainerProcess> {
    return ContainerProcess.execute(this.tsoci, this.id, args, options);
  }

  /** Asks once what it uses. */
  async usage(): Promise<Stats> {
    const event: { data: Stats } = JSON.parse(await this.#command('events', '--stats'));
    return event.data;
  }

  /** Tells what it uses, at once and again and again, until it ends. */
  async *stats(options: EventsOptions = {}): AsyncGenerator<Stats, void, undefined> {
    yield await this.usage();
    for await (const event of this.events(options)) if (event.type === 'stats') yield event.data;
  }

  /** Tells what it uses again and again, and each time when it ran out of memory, until it ends. */
  async *events({ interval = 1000 }: EventsOptions = {}): AsyncGenerator<ContainerEvent, void, undefined> {
    for await (const line of lines(this.tsoci, ['events', `--interval=${interval}ms`, '--', this.id]))
      yield JSON.parse(line);
  }

  /** Removes it once it is stopped; with `force` whatever it does, and without an error if it is gone. */
  async delete(options: { force?: boolean } = {}): Promise<void> {
    await this.#command('delete', ...(options.force ? ['--force'] : []));
  }

  #command(name: string, ...options: readonly string[]): Promise<string> {
    return command(this.tsoci, [name, ...options, '--', this.id]);
  }
}
