// What the tests on real cgroups share.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { moveProcess } from '../../src/cgroups/cgroup-processes.ts';
import { type Cgroup, createCgroup } from '../../src/cgroups/create-cgroup.ts';
import { findHierarchy, type Hierarchy } from '../../src/cgroups/hierarchy.ts';
import { removeCgroup } from '../../src/cgroups/remove.ts';

/** The host's hierarchy if a test may make cgroups in it; else the reason is printed. */
export function writableHierarchy(): Hierarchy | undefined {
  const hierarchy = findHierarchy();
  const reason = hierarchy ? tryToWrite(hierarchy) : 'the host has no cgroup2 mount';
  if (reason === undefined) return hierarchy;
  console.log(`# skipped: ${reason}`);
  return undefined;
}

function tryToWrite({ mountPoint }: Hierarchy): string | undefined {
  const probe = join(mountPoint, `tsoci-test-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return undefined;
  } catch (error) {
    return `no cgroup can be made: ${error}`;
  }
}

/** A path that no other test run uses. */
export function testPath(name: string): string {
  return `/tsoci-test-${process.pid}/${name}`;
}

/** Runs a test in a new cgroup, and removes that with all that was started in it. */
export async function inCgroup(
  hierarchy: Hierarchy,
  body: (cgroup: Cgroup) => void | Promise<void>,
): Promise<void> {
  const cgroup = createCgroup(hierarchy, testPath('c'));
  try {
    await body(cgroup);
  } finally {
    closeSync(cgroup.fd);
    removeCgroup(cgroup.directory, hierarchy.mountPoint);
  }
}

/** A process that sleeps in the cgroup. */
export function sleeper(directory: string): ChildProcess & { pid: number } {
  return started(directory, 'sleep', '60');
}

/** A process in the cgroup that keeps a processor busy. */
export function busy(directory: string): void {
  started(directory, 'sh', '-c', 'while :; do :; done');
}

function started(directory: string, program: string, ...args: string[]): ChildProcess & { pid: number } {
  const child = spawn(program, args, { stdio: 'ignore' });
  if (child.pid === undefined) throw new Error(`cannot start ${program}`);
  moveProcess(directory, child.pid);
  return child as ChildProcess & { pid: number };
}

/** The signal that ends a child. */
export function ended(child: ChildProcess): Promise<NodeJS.Signals | null> {
  return new Promise((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal));
  });
}
