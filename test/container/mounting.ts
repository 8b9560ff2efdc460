// What tests of mounts share.

import * as assert from 'uvu/assert';
import type { Mount } from '../../src/config/generated/types.ts';
import type { Change, Sandbox } from './harness.ts';

/** Adds mounts to those of the default configuration. */
export function mounting(...mounts: Mount[]): Change {
  return (config) => {
    config.mounts?.push(...mounts);
  };
}

export function bind(destination: string, source: string, ...options: string[]): Mount {
  return { destination, source, options: ['rbind', ...options] };
}

/** What is said of a configuration with which no container is created. */
export function refusal(box: Sandbox, change: Change): string {
  box.configure('true', change);
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 1, stderr);
  return stderr;
}
