// What all packages of one build have in common.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Target } from '../executable/target.ts';
import { root } from '../repository.ts';
import type { InstalledFile } from './contents.ts';

export interface Release {
  readonly version: string;
  /** Of the packages, where the version stays the same: Debian's revision, RPM's release. */
  readonly revision: string;
  /** Seconds; no file in a package is younger. */
  readonly epoch: number;
  /** Where packages are written. */
  readonly output: string;
  /** A directory for nothing but the package that is being made, removed afterwards. */
  readonly work: string;
  readonly target: Target;
  /** As in the names of files: linux-x64-musl. */
  readonly targetName: string;
  /** What `npm run build` has made for the target. */
  readonly built: string;
}

/** Makes a package; its name in `output`. Undefined: there is none for such a target. */
export type Packager = (release: Release) => Promise<string | undefined>;

/** A tool that this machine lacks; the message tells how to get it. */
export class MissingTool extends Error {}

export function requireTool(name: string, debianPackages: string): void {
  const { error } = spawnSync(name, ['--version'], { stdio: 'ignore' });
  if (error) throw new MissingTool(`${name} is not installed (Debian: ${debianPackages})`);
}

/** reproducible-builds.org/specs/source-date-epoch */
export function sourceDateEpoch(): number {
  const { SOURCE_DATE_EPOCH } = process.env;
  const commit = () =>
    spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).stdout;
  const epoch = (SOURCE_DATE_EPOCH ?? commit()).trim();
  if (!/^\d+$/.test(epoch))
    throw new Error(
      `the date of the packages: "${epoch}" is no number of seconds, in SOURCE_DATE_EPOCH or of the commit`,
    );
  return Number(epoch);
}

/** Runs a tool in the places and with the words of a C locale; what it said is in the error if it fails. */
export function runTool(words: readonly [string, ...string[]], cwd: string, epoch: number, env = {}): void {
  const [name, ...args] = words;
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', SOURCE_DATE_EPOCH: String(epoch), ...env },
  });
  if (status !== 0) throw error ?? new Error(`${words.join(' ')} in ${cwd}:\n${stdout}${stderr}`);
}

/** Lays files out below a directory, with the modes that they shall have whatever the umask is. */
export function layOut(directory: string, files: readonly InstalledFile[]): void {
  const before = process.umask(0o022);
  try {
    for (const { path, mode, content } of files) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content, { mode });
    }
  } finally {
    process.umask(before);
  }
}
