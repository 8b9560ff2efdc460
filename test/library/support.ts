// A runtime of the library in a sandbox, whose containers are made of its root filesystem.

import { readdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { type ConfigBuilder, config, type LogEntry, Runtime, TsociError } from '../../src/library/index.ts';
import { Sandbox, tsociPath } from '../container/harness.ts';

export interface World {
  box: Sandbox;
  runtime: Runtime;
  /** What tsoci has warned of. */
  log: LogEntry[];
  /** A container that runs a shell script. */
  shell(script: string): ConfigBuilder;
  /** Nothing of any container is left. */
  nothingIsLeft(): void;
}

export function makeWorld(): World {
  const box = new Sandbox();
  const log: LogEntry[] = [];
  const runtime = new Runtime({
    executable: tsociPath,
    root: box.root,
    directory: box.directory,
    log: (entry) => log.push(entry),
  });
  const base = config(box.rootfs).env({ PATH: '/bin' });
  return {
    box,
    runtime,
    log,
    shell: (script) => base.args('/bin/sh', '-c', script),
    nothingIsLeft: () => {
      assert.equal(box.leftovers(), []);
      assert.equal(
        readdirSync(box.directory).filter((name) => name.startsWith('tsoci-library-')),
        [],
      );
    },
  };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** The error of tsoci that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<TsociError> {
  const error = await rejection(promise);
  if (!(error instanceof TsociError)) throw error;
  return error;
}
