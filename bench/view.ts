// Where commands are measured: mount namespaces of their own, which show the cgroups that they shall see.
//
// crun has no hybrid hierarchy, so on a host with one, a second look is taken with nothing but cgroup v2: the unified
// hierarchy is bound over /sys/fs/cgroup. What it lacks there is the controllers that the host has given to v1, and so
// the configurations for it ask for no resources.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../src/linux/sleep.ts';
import { SERVER_DIRECTORY, startServer } from './server.ts';

interface Outline {
  name: string;
  title: string;
  /** Whether configurations may ask for resources. */
  resources: boolean;
  /** What has to be mounted, a command line. */
  mount: string;
}

export interface View extends Outline, Disposable {
  /** Where nobody serves commands, and where a warm server does. */
  cold: Place;
  warm: Place;
}

/** A mount namespace, until it is disposed of. */
export interface Place extends Disposable {
  /** The words that have a command executed there. */
  prefix: readonly string[];
  /** The process that keeps the namespace. */
  holder: number;
  isServed: boolean;
  /** The pids of the workers of a server there. */
  workers: () => number[];
}

export function viewsOfHost(): Outline[] {
  const host = { name: 'host', title: 'The host as it is', resources: true, mount: 'true' };
  const unified = unifiedMount();
  if (unified === undefined || unified === '/sys/fs/cgroup') return [host];
  const title = 'Only cgroup v2 in view, and no linux.resources';
  return [host, { name: 'v2', title, resources: false, mount: `mount --bind ${unified} /sys/fs/cgroup` }];
}

/** `tsoci` is the launcher whose server is measured. */
export function openView(outline: Outline, work: string, tsoci: string): View {
  const [cold, plain] = [openPlace(outline.mount, work), openPlace(outline.mount, work)];
  const warm = startServer(plain, tsoci);
  const close = () => {
    for (const place of [warm, plain, cold]) place[Symbol.dispose]();
  };
  return { ...outline, cold, warm, [Symbol.dispose]: close };
}

/** A server of the host's is not seen there. */
function openPlace(mount: string, work: string): Place {
  const ready = join(work, 'ready');
  const hide = `mkdir -p ${SERVER_DIRECTORY} && mount -t tmpfs none ${SERVER_DIRECTORY}`;
  const script = `${hide} && ${mount} && touch ${ready} && exec cat`;
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['pipe', 'ignore', 'inherit'] });
  for (let tries = 500; !existsSync(ready); tries--) {
    if (tries === 0) throw new Error(`no mount namespace: ${script}`);
    pause(10);
  }
  rmSync(ready);
  if (holder.pid === undefined) throw new Error(`no process: ${script}`);
  return {
    prefix: ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`],
    holder: holder.pid,
    isServed: false,
    workers: () => [],
    [Symbol.dispose]: () => holder.stdin.end(),
  };
}

/** proc_pid_mountinfo(5): the mount point is field 5; the type is the first after the lone hyphen. */
function unifiedMount(): string | undefined {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    if (line.includes(' - cgroup2 ')) return line.split(' ')[4];
  }
  return undefined;
}
