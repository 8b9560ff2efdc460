// What a ready bundle is, and the parts that all of them share.

import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, Mount } from '../src/config/generated/types.ts';
import { exampleConfig } from '../src/config/spec.ts';

/** Who runs the bundle, and with what. */
export interface Host {
  uid: number;
  gid: number;
  /** Whether the container gets a user namespace, since this user may do nothing without. */
  rootless: boolean;
  /** Whether standard input is a terminal. */
  terminal: boolean;
}

export interface Container {
  name: string;
  /** Options of `tsoci run`. With --detach the next container is run beside it. */
  options?: readonly string[];
  /** A file in the root filesystem that is shown when the container has ended. */
  log?: string;
  /** `pid` tells the process id of a container that was run before. */
  config(host: Host, pid: (name: string) => number): ContainerConfig;
}

export interface Bundle {
  /** Why this host cannot run it, if it cannot. */
  unable?(host: Host): string | undefined;
  /** In the order in which they are run. All have one root filesystem. */
  containers: readonly Container[];
}

export type ContainerConfig = Config & Required<Pick<Config, 'process' | 'root' | 'mounts' | 'linux'>>;

/** Directories of the host that hold its programs. With a merged /usr all but /usr are symbolic links. */
const PROGRAMS = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
/** Files without which some programs of the host do not run. */
const FILES = ['etc/ld.so.cache', 'etc/alternatives'];

/** A root filesystem that needs no download: empty places for the host's programs, and an /etc of its own. */
export function makeRootfs(rootfs: string): void {
  const directories = ['etc', 'proc', 'dev', 'sys', 'tmp', 'root', 'opt', ...PROGRAMS.filter(isDirectory)];
  for (const name of directories) mkdirSync(join(rootfs, name), { recursive: true });
  for (const name of PROGRAMS) {
    if (isLink(name)) symlinkSync(`usr/${name}`, join(rootfs, name));
  }
  for (const name of FILES) {
    if (isDirectory(name)) mkdirSync(join(rootfs, name), { recursive: true });
    else if (existsSync(`/${name}`)) writeFileSync(join(rootfs, name), '');
  }
  writeFileSync(join(rootfs, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(rootfs, 'etc', 'group'), 'root:x:0:\n');
}

/** The example configuration with a shell script as its process and the host's programs bound read-only. */
export function shellConfig(host: Host, script: string): ContainerConfig {
  const config = exampleConfig(host.rootless ? { uid: host.uid, gid: host.gid } : undefined);
  const { process, linux, mounts = [] } = config;
  if (!process || !linux) throw new Error('the example configuration has no process');
  process.terminal = false;
  process.args = ['/bin/sh', '-c', script];
  // A soft limit above the caller's hard limit would need a privilege.
  delete process.rlimits;
  return {
    ...config,
    process,
    linux,
    root: { path: 'rootfs', readonly: true },
    mounts: [...programMounts(), ...mounts],
  };
}

/** Node itself at /opt/node: what speaks TCP on every host. */
export function nodeProgram(): Mount {
  return bindReadonly(process.execPath, '/opt/node');
}

function bindReadonly(source: string, destination: string): Mount {
  return { destination, type: 'none', source, options: ['rbind', 'ro', 'nosuid', 'nodev'] };
}

function programMounts(): Mount[] {
  return [...PROGRAMS.filter(isDirectory), ...FILES.filter((name) => existsSync(`/${name}`))].map((name) =>
    bindReadonly(`/${name}`, `/${name}`),
  );
}

function isLink(name: string): boolean {
  return lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function isDirectory(name: string): boolean {
  return lstatSync(`/${name}`, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
