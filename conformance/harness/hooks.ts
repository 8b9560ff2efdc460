// Hooks that write a log, which the host and the container see under the same path.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, Hook } from './config.ts';
import type { Container, State } from './container.ts';
import { expectSuccess, Failure } from './expect.ts';
import type { Edit, Trial } from './trial.ts';

export class HookLog {
  readonly directory: string;
  readonly #trial: Trial;

  constructor(trial: Trial) {
    this.#trial = trial;
    this.directory = trial.makeDirectory('log');
  }

  /** A hook that is `sh -c SCRIPT` with `$LOG` as the directory of the log. Every namespace has a /bin/sh. */
  hook(script: string): Hook {
    const env = ['PATH=/bin:/usr/bin:/usr/sbin', `LOG=${this.directory}`];
    return { path: '/bin/sh', args: ['sh', '-c', script], env };
  }

  /** A hook that appends a line to the log. */
  line(text: string): Hook {
    return this.hook(`echo ${text} >>$LOG/lines`);
  }

  /** Mounts the log into the container, and says where it is in `$LOG` of the process. */
  share(config: Config): void {
    const { directory } = this;
    config.mounts.push({ destination: directory, source: directory, options: ['bind', 'rw'] });
    config.process.env.push(`LOG=${directory}`);
  }

  get lines(): string[] {
    return this.read('lines').split('\n').filter(Boolean);
  }

  /** A file that a hook wrote to `$LOG`; empty if there is none. */
  read(name: string): string {
    const file = join(this.directory, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** A state that a hook copied from its standard input: `cat >$LOG/NAME`. */
  state(name: string): State {
    const text = this.read(name);
    try {
      return JSON.parse(text);
    } catch {
      throw new Failure(`the hook's standard input was ${JSON.stringify(text)}, not a state`);
    }
  }

  /** A container that goes through its whole life, with what `edit` adds to a shared log. */
  async life(script: string, edit: Edit): Promise<Container> {
    const container = await this.#trial.stopped(script, (config, bundle) => {
      this.share(config);
      edit(config, bundle);
    });
    expectSuccess(await container.delete());
    return container;
  }
}
