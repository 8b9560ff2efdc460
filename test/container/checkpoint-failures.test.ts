// checkpoint and restore with a criu that only talks (test/criu/fake-criu.ts): what it is asked, and what is left when it fails.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Request } from '../../src/criu/messages.ts';
import type { Behaviour } from '../criu/fake-criu.ts';
import { status } from './foreground.ts';
import { eventually, Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('checkpoint: failures');
const box = new Sandbox();
const fake = join(box.directory, 'criu');
const images = join(box.directory, 'images');
const log = join(box.directory, 'requests');
writeFileSync(
  fake,
  `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dirname, '../criu/fake-criu.ts')} "$@"\n`,
);
chmodSync(fake, 0o755);

const environment = (behaviour: Behaviour) => ({
  ...process.env,
  FAKE_CRIU: behaviour,
  FAKE_CRIU_LOG: log,
  FAKE_CRIU_IMAGES: images,
});

function tsoci(behaviour: Behaviour, ...args: string[]) {
  writeFileSync(log, '');
  return box.tsociWith({ env: environment(behaviour) }, '--criu', fake, ...args);
}

/** What the fake was asked for its work. */
function asked(): Request {
  const requests: Request[] = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [work, ...others] = requests.filter(({ opts }) => opts !== undefined);
  assert.ok(work && others.length === 0, 'one request');
  return work;
}

function running(change?: Parameters<Sandbox['configure']>[1]): string {
  const id = box.id();
  box.configure('sleep 1000', change);
  assert.is(box.detached('run', '--detach', id), 0);
  return id;
}

function end(id: string): void {
  assert.is(box.tsoci('delete', '--force', id).status, 0);
}

/** Nothing but containers that a test has made itself. */
function nothingLeft(...ids: string[]): void {
  const known = (line: string) => ids.some((id) => line.includes(id));
  eventually(
    'nothing is left',
    () => box.leftovers().filter((line) => !known(line) && !line.includes('sleep 1000')).length === 0,
  );
}

test('what criu is asked to dump', () => {
  const id = running(({ linux, mounts }) => {
    linux.maskedPaths = ['/proc/keys', '/proc/acpi'];
    mounts?.push({ destination: '/mnt/here', type: 'bind', source: box.bundle, options: ['rbind'] });
  });
  const { pid } = box.state(id);
  const options = ['--tcp-established', '--file-locks', '--shell-job', '--ext-unix-sk', '--link-remap'];
  const result = tsoci('works', 'checkpoint', '--leave-running', '--image-path', images, ...options, id);
  assert.is(result.status, 0, result.stderr);
  const { type, opts } = asked();
  assert.is(type, 1);
  assert.is(opts?.pid, pid);
  for (const name of [
    'leave_running',
    'tcp_established',
    'file_locks',
    'shell_job',
    'ext_unix_sk',
    'link_remap',
  ] as const)
    assert.is(opts?.[name], true, name);
  assert.is(opts?.log_file, 'dump.log');
  assert.is(opts?.root, box.rootfs);
  assert.is(opts?.manage_cgroups_mode, 3);
  const mounts = new Map(opts?.ext_mnt?.map(({ key, val }) => [key, val]));
  assert.is(mounts.get('/mnt/here'), '/mnt/here');
  assert.is(mounts.get('/proc/keys'), '/dev/null');
  assert.not.ok(mounts.has('/proc/acpi'), 'an empty directory is the container’s own');
  assert.not.ok(mounts.has('/dev/pts') || mounts.has('/proc') || mounts.has('/'));
  assert.is(JSON.parse(readFileSync(join(images, 'descriptors.json'), 'utf8'))[0], '/dev/null');
  assert.is(box.state(id).status, 'running');
  end(id);
});

// Seen before: checkpointed, and a restore bound the source of /a/volume on what is now called so: writable.
for (const [what, script] of [
  ['directories that have changed their names', 'mv /a /c; mv /b /a; mv /c /b'],
  ['a link where a directory was', 'mv /a /c; ln -s /b /a'],
] as const) {
  test(`CVE-2026-119101: a writable mount does not get the name of a read-only one: ${what}`, () => {
    const secret = join(box.directory, 'secret');
    const shared = join(box.directory, 'shared');
    for (const directory of [secret, shared]) mkdirSync(directory, { recursive: true });
    const id = box.id();
    box.configure(`${script}; : >/moved; sleep 1000`, ({ root, mounts }) => {
      if (root) root.readonly = false;
      mounts?.push(
        { destination: '/a/volume', type: 'bind', source: secret, options: ['bind', 'ro'] },
        { destination: '/b/volume', type: 'bind', source: shared, options: ['bind'] },
      );
    });
    assert.is(box.detached('run', '--detach', id), 0);
    const moved = join(box.rootfs, 'moved');
    eventually('the mounts have moved', () => existsSync(moved));
    const { status, stderr } = tsoci('works', 'checkpoint', '--image-path', images, id);
    assert.is(status, 1);
    assert.match(
      stderr,
      /the mount on \/\w\/volume is not ro, as mounts\[\d+\] of the config is; what the container has/,
    );
    assert.is(box.state(id).status, 'running');
    end(id);
    for (const left of ['moved', 'a', 'b', 'c'])
      rmSync(join(box.rootfs, left), { recursive: true, force: true });
  });
}

test('what criu is asked to restore', () => {
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, 'descriptors.json'), '["/dev/null","pipe:[4711]","pipe:[4712]"]');
  box.configure('true', ({ mounts }) => {
    mounts?.push({ destination: '/mnt/here', type: 'bind', source: box.bundle, options: ['bind'] });
  });
  const id = box.id();
  const profile = ['--lsm-profile', 'apparmor:other', '--lsm-mount-context', 'context'];
  const result = tsoci('works', 'restore', '--detach', '--image-path', images, ...profile, id);
  assert.is(result.status, 0, result.stderr);
  const { type, opts } = asked();
  assert.is(type, 2);
  assert.is(opts?.rst_sibling, true);
  assert.is(opts?.log_file, 'restore.log');
  assert.is(opts?.lsm_profile, 'apparmor:other');
  assert.is(opts?.lsm_mount_context, 'context');
  assert.equal(opts?.inherit_fd, [
    { key: 'pipe:[4711]', fd: 1 },
    { key: 'pipe:[4712]', fd: 2 },
  ]);
  const mounts = new Map(opts?.ext_mnt?.map(({ key, val }) => [key, val]));
  assert.is(mounts.get('/mnt/here'), box.bundle);
  assert.is(mounts.get('/dev/null'), '/dev/null');
  assert.ok(existsSync(join(box.rootfs, 'mnt/here')), 'the place of a mount is made');
  const { pid, status } = box.state(id);
  assert.is(status, 'running');
  assert.match(readlinkSync(`/proc/${pid}/exe`), /sleep|busybox|coreutils/);
  end(id);
});

test('namespaces by path are left out, and joined again', () => {
  const path = '/proc/self/ns/net'.replace('self', String(process.pid));
  const id = running(({ linux }) => {
    linux.namespaces =
      linux.namespaces?.map((one) => (one.type === 'network' ? { ...one, path } : one)) ?? [];
  });
  assert.is(tsoci('works', 'checkpoint', '--leave-running', '--image-path', images, id).status, 0);
  const name = readlinkSync(path).replace(':', '');
  assert.equal(asked().opts?.external, [`${name}:extRootNetNS`]);
  end(id);
  const other = box.id();
  assert.is(tsoci('works', 'restore', '--detach', '--image-path', images, other).status, 0);
  const [inherited] = asked().opts?.inherit_fd?.filter(({ key }) => key === 'extRootNetNS') ?? [];
  assert.ok(inherited && (inherited.fd ?? 0) > 2);
  end(other);
});

test('--status-fd is told when pages can be asked for', () => {
  const id = running();
  const told = join(box.directory, 'told');
  const command = `exec "$0" --root ${box.root} --criu ${fake} checkpoint --image-path ${images} --leave-running --lazy-pages --status-fd 7 ${id} 7>${told}`;
  const child = spawn('sh', ['-c', command, tsociPath], { env: environment('works'), stdio: 'ignore' });
  return status(child).then((code) => {
    assert.is(code, 0);
    assert.is(readFileSync(told, 'utf8'), '\0');
    const { status, stderr } = tsoci('works', 'checkpoint', '--image-path', images, '--status-fd', '99', id);
    assert.is(status, 1);
    assert.match(stderr, /--status-fd 99: ENOENT .*open for writing/);
    end(id);
  });
});

const failures: readonly [Behaviour, RegExp][] = [
  ['is too old', /criu 3\.14 is too old: 3\.15 is needed/],
  ['fails', /the first; .*\.log tells more/],
  ['dies at once', /criu has died: exit status 3/],
  ['dies midway', /criu has died: signal 9/],
  ['talks rubbish', /criu answers what is no message/],
];

for (const [behaviour, message] of failures) {
  test(`a dump by a criu that ${behaviour}: an error, and the container goes on`, () => {
    const id = running();
    const before = new Set(existsSync(images) ? readdirSync(images) : []);
    const { status, stderr } = tsoci(behaviour, 'checkpoint', '--image-path', images, id);
    assert.is(status, 1);
    assert.match(stderr, new RegExp(`checkpoint ${id}: `));
    assert.match(stderr, message);
    assert.is(box.state(id).status, 'running');
    const left = readdirSync(images).filter((name) => !before.has(name));
    assert.equal(
      left.filter((name) => !name.endsWith('.log')),
      [],
    );
    nothingLeft(id);
    end(id);
  });

  test(`restoring by a criu that ${behaviour}: an error, and nothing is left`, () => {
    mkdirSync(images, { recursive: true });
    box.configure('true');
    const id = box.id();
    const { status, stderr } = tsoci(behaviour, 'restore', '--detach', '--image-path', images, id);
    assert.is(status, 1);
    assert.match(stderr, message);
    assert.match(box.tsoci('state', id).stderr, /does not exist/);
    assert.equal(box.leftovers(), []);
  });
}

test('a criu that dies when all is restored: what it has restored is ended', () => {
  mkdirSync(images, { recursive: true });
  box.configure('true');
  const id = box.id();
  const { status, stderr } = tsoci('dies at the end', 'restore', '--detach', '--image-path', images, id);
  assert.is(status, 1);
  assert.match(stderr, /criu has died: signal 9/);
  assert.equal(box.leftovers(), []);
});

test('a hook that fails ends the restoring, with its poststop hooks', () => {
  mkdirSync(images, { recursive: true });
  const out = join(box.directory, 'hooks');
  box.configure('true', (config) => {
    const hook = (args: string) => [{ path: '/bin/sh', args: ['sh', '-c', args] }];
    config.hooks = {
      prestart: hook(`cat >>${out}; echo >>${out}`),
      createRuntime: hook('exit 3'),
      createContainer: hook(`echo wrong >>${out}`),
      poststop: hook(`echo poststop >>${out}`),
    };
  });
  const { status, stderr } = tsoci('works', 'restore', '--detach', '--image-path', images, box.id());
  assert.is(status, 1);
  assert.match(stderr, /createRuntime hook 0 .*exit status 3/);
  const [state = '', ...rest] = readFileSync(out, 'utf8').trim().split('\n');
  assert.is(JSON.parse(state).status, 'creating');
  assert.ok(JSON.parse(state).pid > 0);
  assert.equal(rest, ['poststop']);
  assert.equal(box.leftovers(), []);
});

for (const behaviour of ['hangs', 'hangs midway'] as const) {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`restoring by a criu that ${behaviour} ends with ${signal}`, async () => {
      mkdirSync(images, { recursive: true });
      box.configure('true');
      const child = start(behaviour, 'restore', '--image-path', images, box.id());
      await begun();
      const ended = status(child);
      child.kill(signal);
      await ended;
      eventually('nothing is left', () => box.leftovers().length === 0);
    });
  }
}

test('a dump by a criu that hangs ends with SIGTERM, and the container goes on', async () => {
  const id = running();
  const child = start('hangs midway', 'checkpoint', '--image-path', images, id);
  await begun();
  child.kill('SIGTERM');
  await status(child);
  eventually('criu is gone', () => !box.leftovers().some((line) => line.includes('fake-criu')));
  assert.is(box.state(id).status, 'running');
  end(id);
  assert.equal(box.leftovers(), []);
});

function start(behaviour: Behaviour, ...args: string[]): ChildProcess {
  writeFileSync(log, '');
  return spawn(tsociPath, ['--root', box.root, '--criu', fake, ...args], {
    cwd: box.bundle,
    env: environment(behaviour),
    stdio: 'ignore',
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
}

/** The fake has its work. */
async function begun(): Promise<void> {
  eventually('criu is asked', () => readFileSync(log, 'utf8').includes('"opts"'));
}

test('what cannot be checkpointed', () => {
  const refusals: readonly [string, (id: string) => unknown, RegExp, Parameters<Sandbox['configure']>[1]?][] =
    [
      ['created', (id) => box.detached('create', id), /the container waits for start/],
      ['stopped', (id) => box.tsoci('run', '--keep', id), /the container is stopped, not running/],
      [
        'with --overlay',
        (id) => box.detached('run', '--detach', '--overlay', id),
        /the layer of --overlay is no part/,
      ],
    ];
  for (const [what, make, message] of refusals) {
    box.configure(what === 'stopped' ? 'true' : 'sleep 1000');
    const id = box.id();
    make(id);
    const { status, stderr } = tsoci('works', 'checkpoint', '--image-path', images, id);
    assert.is(status, 1, what);
    assert.match(stderr, message);
    end(id);
  }
});

test('without criu: the name of the package', () => {
  const id = running();
  const env = { ...process.env, PATH: '/nowhere' };
  const { status, stderr } = box.tsociWith({ env }, 'checkpoint', '--image-path', images, id);
  if (existsSync('/usr/sbin/criu')) console.log('skip: criu is installed');
  else assert.match(stderr, /criu is not installed: .*package criu/);
  assert.ok(status !== 0 || existsSync('/usr/sbin/criu'));
  end(id);
});

test.after(() => box.close());
test.run();
