// Kills `create` at many moments, for the tests of what is left then: on this host, and in the virtual machine.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Sandbox, tsociPath } from './harness.ts';

/** How far a killed `create` had come: what it had made that lasts. */
export type Reached = 'nothing' | 'state' | 'cgroup' | 'created';

export interface KilledCreates {
  box: Sandbox;
  /** Where the cgroup of a container is expected. */
  cgroupOf: (id: string) => string;
  /** Global options of tsoci. */
  options?: readonly string[];
  tries: number;
  /** Called for each container, before its `create`: writes its config.json. */
  configure: (id: string) => void;
  /** Called after each `delete --force`. */
  check: () => void;
}

/** How often the time is doubled at most, until some are killed late enough. */
const ROUNDS = 3;

/**
 * Kills `create` after delays that cover the time it takes from end to end in `tries` equal steps, and deletes by force
 * after each kill. Returns how many kills found it how far.
 */
export function killCreates(plan: KilledCreates): Map<Reached, number> {
  const { tries } = plan;
  let duration = Math.min(...[1, 2, 3].map(() => killCreate(plan, 0).duration));
  const found = new Map<Reached, number>();
  // A machine that has become busy meanwhile takes longer than was measured.
  for (let round = 1; round <= ROUNDS && !found.has('cgroup'); round++, duration *= 2) {
    for (let i = 1; i <= tries; i++) {
      const { reached } = killCreate(plan, (duration * i) / tries);
      found.set(reached, (found.get(reached) ?? 0) + 1);
    }
  }
  return found;
}

/** Kills `create` after `delay` milliseconds, or not at all if that is 0. */
function killCreate(
  { box, cgroupOf, options = [], configure, check }: KilledCreates,
  delay: number,
): { reached: Reached; duration: number } {
  const id = box.id();
  configure(id);
  const args = ['--root', box.root, ...options, 'create', '--bundle', box.bundle, id];
  const kill = { timeout: Math.ceil(delay), killSignal: 'SIGKILL' } as const;
  const start = performance.now();
  const { status, signal } = spawnSync(tsociPath, args, { stdio: 'ignore', ...kill });
  const duration = performance.now() - start;
  assert.ok(status === 0 || signal === 'SIGKILL', `create ended with ${signal ?? status}`);
  let reached: Reached = 'nothing';
  if (status === 0) reached = 'created';
  else if (existsSync(cgroupOf(id))) reached = 'cgroup';
  else if (existsSync(join(box.root, id))) reached = 'state';
  const deleted = box.tsoci(...options, 'delete', '--force', id);
  assert.is(deleted.status, 0, `killed after ${delay} ms: ${deleted.stderr}`);
  check();
  return { reached, duration };
}

/** A line for the output of a test: "killed 40 times: nothing 12, state 3, cgroup 20, created 5". */
export function summary(found: Map<Reached, number>): string {
  const counts = [...found].map(([reached, count]) => `${reached} ${count}`).join(', ');
  return `killed ${[...found.values()].reduce((a, b) => a + b)} times: ${counts}`;
}
