// The cells of the namespaces' matrix: one container each, in which one type is new, joined or the host's.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { UNSHARE_FLAGS } from '../../conformance/harness/namespaces.ts';
import { type NamespaceType, namespaceTypes } from '../../src/namespaces/namespace-plan.ts';
import { eventually, type Sandbox } from '../container/harness.ts';
import { asUser, RootlessSandbox } from '../rootless/second-user.ts';

export const types = Object.keys(namespaceTypes) as NamespaceType[];
export const ways = ['new', 'joined', 'host'] as const;
export type Way = (typeof ways)[number];

/** The first id of the host in the user namespaces of root's containers. */
const FIRST_ID = 100_000;

/** Runs a container; what tsoci said, if it did not run. If it did, every claim about it has been checked. */
export function runCell(box: Sandbox, type: NamespaceType, way: Way): string {
  const holder = way === 'joined' ? hold(box, type) : undefined;
  try {
    configure(box, type, way, holder?.pid);
    const id = box.id();
    if (box.detached('run', '--detach', id) !== 0) {
      const { status, stderr } = box.tsoci('run', '--detach', box.id());
      assert.is.not(status, 0, 'it fails each time');
      return stderr.trim();
    }
    const { file } = namespaceTypes[type];
    const link = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/${file}`);
    const own = link(box.state(id).pid);
    const expected = { host: link('self'), joined: holder && link(holder.pid), new: undefined }[way];
    if (expected) assert.is(own, expected, `${type} ${way}`);
    else assert.is.not(own, link('self'), `${type} ${way}`);
    // Seen from the host: a container without a mount namespace has no procfs of its own.
    const pidFile = join(openDirectory(box), 'pid');
    const entered = box.detached('exec', '--detach', '--pid-file', pidFile, id, 'sleep', '1000');
    assert.is(entered, 0, `exec into ${type} ${way}`);
    assert.is(link(Number(readFileSync(pidFile, 'utf8'))), own, `exec into ${type} ${way}`);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    return '';
  } finally {
    holder?.end();
  }
}

function configure(box: Sandbox, type: NamespaceType, way: Way, holder: number | undefined): void {
  const rootless = box instanceof RootlessSandbox;
  box.configure('sleep 1000', (config) => {
    const { linux } = config;
    const path = (of: NamespaceType) => `/proc/${holder}/ns/${namespaceTypes[of].file}`;
    linux.namespaces = (linux.namespaces ?? []).filter((namespace) => namespace.type !== type);
    if (way !== 'host') linux.namespaces.push(way === 'new' ? { type } : { type, path: path(type) });
    if (way === 'joined' && rootless) {
      // Without rights on the host one joins what belongs to a user namespace of one's own, together with that.
      linux.namespaces = linux.namespaces.filter((namespace) => namespace.type !== 'user');
      linux.namespaces.push({ type: 'user', path: path('user') });
    }
    const user = linux.namespaces.find((namespace) => namespace.type === 'user');
    if (user && !user.path) {
      linux.uidMappings ??= [{ containerID: 0, hostID: FIRST_ID, size: 65_536 }];
      linux.gidMappings ??= [{ containerID: 0, hostID: FIRST_ID, size: 65_536 }];
    } else {
      delete linux.uidMappings;
      delete linux.gidMappings;
    }
    if (type === 'mount' && way === 'host') {
      delete linux.maskedPaths;
      delete linux.readonlyPaths;
      config.root = { path: 'rootfs', readonly: false };
    }
    // A uts namespace that is not new has its name.
    if (type === 'uts' && way !== 'new') delete config.hostname;
  });
}

/** A new directory that an ordinary user may write to. */
function openDirectory(box: Sandbox): string {
  const directory = mkdtempSync(join(box.directory, 'open-'));
  chmodSync(directory, 0o777);
  return directory;
}

interface Holder {
  pid: number;
  end: () => void;
}

/** A process in a new namespace of the type, and of an ordinary user in a user namespace too. */
export function hold(box: Sandbox, type: NamespaceType): Holder {
  const rootless = box instanceof RootlessSandbox;
  const directory = openDirectory(box);
  const file = join(directory, 'pid');
  const child = type === 'pid' || type === 'time' ? ['--fork', '--kill-child'] : [];
  const flags = [UNSHARE_FLAGS[type], ...(rootless ? ['--user', '--map-root-user'] : []), ...child];
  // The pid of the host: $$ would be 1 in a pid namespace.
  const script = `read -r pid rest </proc/self/stat; echo $pid >${file}; exec sleep 60`;
  const command = ['unshare', ...flags, 'sh', '-c', script];
  const process: ChildProcess = rootless
    ? spawn('setpriv', asUser(...command), { stdio: 'ignore' })
    : spawn('unshare', command.slice(1), { stdio: 'ignore' });
  eventually(`hold a ${type} namespace`, () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  const pid = Number(readFileSync(file, 'utf8'));
  if (type === 'user' && !rootless)
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, `0 ${FIRST_ID} 65536`);
  return {
    pid,
    end: () => {
      process.kill('SIGKILL');
      rmSync(directory, { recursive: true });
    },
  };
}
