// Containers for the tests in the virtual machine: a busybox bundle, run by tsoci or by a peer.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { unbuilt } from '../../scripts/unbuilt.ts';
import { patience } from '../patience.ts';

const MOUNT_POINT = '/sys/fs/cgroup';
const TIMEOUT_MS = patience(60_000);
const APPLETS = ['sh', 'sleep', 'cat', 'dd', 'mknod', 'date', 'mkdir', 'true', 'id', 'fallocate'];

export type Runtime = 'tsoci' | 'runc' | 'crun';

/** The executable given by TSOCI, or that of the repository, or else its sources. */
function executableOf(runtime: Runtime): string {
  if (runtime !== 'tsoci') return runtime;
  const root = resolve(import.meta.dirname, '../..');
  const executable = process.env.TSOCI ?? join(root, 'dist/tsoci');
  return existsSync(executable) ? executable : unbuilt();
}

export interface Result {
  status: number | null;
  output: string;
}

/** Runs a command of a runtime. Its output goes through a file: a container that keeps it open makes nobody wait. */
export function command(runtime: Runtime, args: readonly string[], input = ''): Result {
  const file = join(tmpdir(), `output-${runtime}`);
  const fd = openSync(file, 'w+');
  try {
    const options = { input, stdio: ['pipe', fd, fd] as ['pipe', number, number], timeout: TIMEOUT_MS };
    const { status } = spawnSync(executableOf(runtime), args, options);
    return { status, output: readFileSync(file, 'utf8') };
  } finally {
    closeSync(fd);
  }
}

export function commandLine(runtime: Runtime, args: readonly string[]): [string, string[]] {
  return [executableOf(runtime), [...args]];
}

export interface Bundle {
  resources?: object;
  /** A shell script that is the container's process. */
  script: string;
  linux?: object;
  mounts?: object[];
  annotations?: Record<string, string>;
}

const MOUNTS = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
];

export function makeBundle({
  resources = {},
  script,
  linux = {},
  mounts = [],
  annotations = {},
}: Bundle): string {
  const bundle = mkdtempSync(join(tmpdir(), 'bundle-'));
  // Root of a user namespace must get through.
  chmodSync(bundle, 0o755);
  for (const name of ['bin', 'dev', 'proc', 'sys/fs/cgroup'])
    mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
  copyFileSync('/bin/busybox', join(bundle, 'rootfs/bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(bundle, 'rootfs/bin', applet));
  // CAP_SYSLOG is for /dev/kmsg.
  const capabilities = ['CAP_MKNOD', 'CAP_DAC_OVERRIDE', 'CAP_SYSLOG'];
  const config = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs' },
    process: {
      cwd: '/',
      user: { uid: 0, gid: 0 },
      args: ['/bin/sh', '-c', script],
      env: ['PATH=/bin'],
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [...MOUNTS, ...mounts],
    annotations,
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }], resources, ...linux },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

export interface Container {
  runtime: Runtime;
  id: string;
  bundle: string;
  pid: number;
  /** A file of its cgroup. */
  file: (name: string) => string;
  /** A file of its root. */
  inside: (name: string) => string;
}

/** Runs a container in the background for the time of `body`. */
export async function withContainer(
  runtime: Runtime,
  spec: Bundle,
  body: (container: Container) => void | Promise<void>,
): Promise<void> {
  const bundle = makeBundle(spec);
  const id = `guest-${runtime}`;
  try {
    const pidFile = join(bundle, 'pid');
    const { status, output } = command(runtime, ['run', '-d', '--pid-file', pidFile, '--bundle', bundle, id]);
    if (status !== 0) throw new Error(`${runtime} run: ${output}`);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const read = (...parts: string[]) => readFileSync(join(...parts), 'utf8').trim();
    await body({
      runtime,
      id,
      bundle,
      pid,
      file: (name) => read(MOUNT_POINT, path, name),
      inside: (name) => read(bundle, 'rootfs', name),
    });
  } finally {
    command(runtime, ['delete', '--force', id]);
    rmSync(bundle, { recursive: true, force: true });
  }
}

/** Asks again and again until it is so: 30 seconds on a machine of usual speed. */
export async function eventually(what: string, isSo: () => boolean): Promise<void> {
  const limit = patience(30_000);
  for (const end = Date.now() + limit; Date.now() < end; ) {
    if (isSo()) return;
    await new Promise((next) => setTimeout(next, 100));
  }
  throw new Error(`not within ${limit / 1000} s: ${what}`);
}

/** All cgroups there are. */
export function cgroupTree(directory: string = MOUNT_POINT): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(directory, name), ...cgroupTree(join(directory, name))])
    .sort();
}
