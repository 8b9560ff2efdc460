// The systems that executables can be made for, and Bun for each, a package of npm.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from '../repository.ts';

export interface Target {
  /** As npm calls it. */
  cpu: 'x64' | 'arm64';
  libc: 'glibc' | 'musl';
  /** As Bun calls it. */
  name: string;
}

const targets: Readonly<Record<string, Target>> = {
  'linux-x64': { cpu: 'x64', libc: 'glibc', name: 'bun-linux-x64' },
  'linux-x64-musl': { cpu: 'x64', libc: 'musl', name: 'bun-linux-x64-musl' },
  'linux-arm64': { cpu: 'arm64', libc: 'glibc', name: 'bun-linux-aarch64' },
  'linux-arm64-musl': { cpu: 'arm64', libc: 'musl', name: 'bun-linux-aarch64-musl' },
};

export function targetNames(): string[] {
  return Object.keys(targets);
}

/** This machine's, unless another is named. */
export function findTarget(name = `linux-${process.arch}`): Target {
  const found = targets[name];
  if (!found) throw new Error(`target ${name} is none of ${targetNames().join(', ')}`);
  return found;
}

/** The executable of Bun for a target. */
export function bunOf({ cpu, libc, name }: Target): string {
  return join(packageDirectory(`@oven/${name}`, [`--cpu=${cpu}`, `--libc=${libc}`]), 'bin', 'bun');
}

/** The version of a package in package-lock.json. */
export function lockedVersion(name: string): string {
  return lockedPackage(name).version;
}

function lockedPackage(name: string): { version: string } {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, { version: string }> };
  const found = packages[`node_modules/${name}`];
  if (!found) throw new Error(`package-lock.json has no ${name}`);
  return found;
}

/** The executable of Node for a target. */
export function nodeOf({ cpu }: Target): string {
  return join(packageDirectory(`node-linux-${cpu}`, [`--cpu=${cpu}`]), 'bin', 'node');
}

/** Packages for this machine come with `npm ci`; one for another is installed at its first use, below build/. */
function packageDirectory(name: string, platform: readonly string[]): string {
  const path = join('node_modules', name);
  if (existsSync(join(root, path))) return join(root, path);
  const home = join(root, 'build', 'packages', `${name.replace('/', '+')}-${lockedVersion(name)}`);
  if (!existsSync(home)) installAlone(name, home, platform);
  return join(home, path);
}

/** From what the lock file says of it, so that npm compares its hash. */
function installAlone(name: string, home: string, platform: readonly string[]): void {
  const next = `${home}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  const locked = lockedPackage(name);
  const manifest = { name: 'foreign', version: '0.0.0', dependencies: { [name]: locked.version } };
  const packages = { '': manifest, [`node_modules/${name}`]: locked };
  writeFileSync(join(next, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(next, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  // --force: it is for another platform than this one.
  const words = ['ci', '--force', '--ignore-scripts', '--no-audit', '--os=linux', ...platform];
  const { status, stderr, error } = spawnSync('npm', words, { cwd: next, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`npm ${words.join(' ')} in ${next}: ${stderr}`);
  renameSync(next, home);
}
