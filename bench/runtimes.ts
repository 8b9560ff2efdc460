// The runtimes side by side, each with a state directory of its own.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { files } from '../scripts/executable/files.ts';
import type { Place, View } from './view.ts';

export interface Runtime {
  name: string;
  version: string;
  /** The words of its command line that come before the command. */
  words: string[];
  /** Whether a server serves its commands. */
  warm: boolean;
}

/** Where it is measured. */
export function placeOf(runtime: Runtime, view: View): Place {
  return runtime.warm ? view.warm : view.cold;
}

/** The executables of tsoci and of its peers that are installed, by name, tsoci first. */
export function installedRuntimes(tsoci: string): Map<string, string> {
  if (!existsSync(tsoci)) throw new Error(`${tsoci} is not there: npm run build`);
  const found = new Map([['tsoci', tsoci]]);
  for (const name of ['runc', 'crun', 'youki']) {
    const paths = (process.env.PATH ?? '').split(delimiter).map((path) => join(path, name));
    const path = paths.find(existsSync);
    if (path) found.set(name, path);
  }
  return found;
}

/**
 * Copies, each written at once: large files lie in the page cache otherwise where they were written than where they were
 * read, and start by up to a sixth faster or slower.
 */
export function copyRuntimes(paths: ReadonlyMap<string, string>, directory: string): Map<string, string> {
  const copies = new Map<string, string>();
  for (const [name, path] of paths) {
    const home = join(directory, name);
    mkdirSync(home, { recursive: true });
    // tsoci looks for its other files beside itself.
    const others = files.map((file) => join(dirname(path), file)).filter((file) => existsSync(file));
    for (const file of name === 'tsoci' ? [path, ...others] : [path])
      writeFileSync(join(home, basename(file)), readFileSync(file), { mode: 0o755 });
    copies.set(name, join(home, basename(path)));
  }
  return copies;
}

/** Those of the executables that run. `states` is where each keeps what it knows of containers. */
export function findRuntimes(paths: ReadonlyMap<string, string>, states: string): Runtime[] {
  const found: Runtime[] = [];
  for (const [name, path] of paths) {
    const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    if (status !== 0) continue;
    const version = /\d+\.\d+[^\s]*/.exec(stdout)?.[0] ?? 'unknown';
    for (const warm of name === 'tsoci' ? [false, true] : [false]) {
      const called = warm ? `warm ${name}` : name;
      const root = join(states, called);
      mkdirSync(root, { recursive: true });
      found.push({ name: called, version, words: [path, '--root', root], warm });
    }
  }
  return found;
}

/** Runs the bundle once. The answer is why it cannot be measured here, or undefined. */
export function whyNot(runtime: Runtime, view: View, bundle: string): string | undefined {
  const { status, stderr } = invoke(runtime, view, 'run', '--bundle', bundle, 'probe');
  return status === 0 ? undefined : (stderr.trim().split('\n').at(-1) ?? `exit ${status}`);
}

/** One command of a runtime, whose output is kept. */
export function invoke(runtime: Runtime, view: View, ...args: string[]) {
  const [program = '', ...rest] = [...placeOf(runtime, view).prefix, ...runtime.words, ...args];
  return spawnSync(program, rest, { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** As invoke, for a container that goes on: it must not hold our pipes, and a failure is an error. */
export function launch(runtime: Runtime, view: View, ...args: string[]): void {
  const [program = '', ...rest] = [...placeOf(runtime, view).prefix, ...runtime.words, ...args];
  const { status } = spawnSync(program, rest, { timeout: 60_000, stdio: 'ignore' });
  if (status !== 0) throw new Error(`${runtime.name} ${args.join(' ')}: exit ${status}`);
}

/**
 * When it is disposed of no container of the runtimes is left in a view. They must not outlive it: outside, their cgroups have
 * other paths than those that the runtimes know.
 */
export function clearing(runtimes: readonly Runtime[], view: View): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const runtime of runtimes) clear(runtime, placeOf(runtime, view).prefix);
    },
  };
}

/** Removes the containers that a task which failed, or was killed, has left. `prefix` executes a command where they are. */
export function clear({ words: own }: Pick<Runtime, 'words'>, prefix: readonly string[] = []): void {
  const [program = '', ...words] = [...prefix, ...own];
  const { stdout } = spawnSync(program, [...words, 'list', '--quiet'], { encoding: 'utf8', timeout: 60_000 });
  for (const id of (stdout ?? '').split('\n').filter((line) => line !== '')) {
    spawnSync(program, [...words, 'delete', '--force', id], { timeout: 60_000, stdio: 'ignore' });
  }
}
