// Containers in a scope of systemd, for the tests beside this.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { command, makeBundle } from '../../../cgroups/guest.ts';
import { run } from '../smoke.ts';

export const MIB = 1 << 20;
export const ID = 'scoped';
export const SCOPE = 'unit-scoped.scope';
export const DIRECTORY = `/sys/fs/cgroup/system.slice/${SCOPE}`;
export const CGROUPS_PATH = 'system.slice:unit:scoped';

export function tsoci(...args: string[]): string {
  const { status, output } = command('tsoci', ['--systemd-cgroup', ...args]);
  assert.is(status, 0, `${args.join(' ')}: ${output}`);
  return output;
}

export const file = (name: string) => readFileSync(join(DIRECTORY, name), 'utf8').trim();
export const property = (name: string) => run('systemctl', 'show', '--value', '--property', name, SCOPE);

export function withScope(linux: object, body: () => void, annotations: Record<string, string> = {}): void {
  const bundle = makeBundle({
    script: 'exec sleep 1000',
    linux: { cgroupsPath: CGROUPS_PATH, ...linux },
    annotations,
  });
  try {
    tsoci('run', '--detach', '--bundle', bundle, ID);
    body();
  } finally {
    command('tsoci', ['delete', '--force', ID]);
    rmSync(bundle, { recursive: true });
  }
}

export const resources = {
  memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 80 * MIB },
  cpu: { shares: 2048, quota: 25_500, period: 50_000, cpus: '0', mems: '0' },
  pids: { limit: 40 },
  hugepageLimits: [{ pageSize: '2MB', limit: 2 * MIB }],
  unified: { 'memory.high': String(48 * MIB) },
};
