// Bad input of every kind: exit status 1 (of exec 255), one line that a person understands, nothing left behind.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { EXEC_FAILED, type Result, Sandbox, tsociPath } from './harness.ts';

const test = suite('bad input');
const box = new Sandbox();

function tells({ status, stderr }: Result, message: RegExp, failure = 1): void {
  assert.is(status, failure, stderr);
  assert.match(stderr, message);
  assert.is(stderr.trim().split('\n').length, 1, `one line: ${stderr}`);
}

function refuses(result: Result, message: RegExp): void {
  tells(result, message);
  assert.equal(box.leftovers(), []);
}

type Full = Config & Required<Pick<Config, 'process' | 'linux'>>;

/** A change of the config, and what `create` says to it. */
const configs: Record<string, [(config: Full) => void, RegExp]> = {
  'root missing': [
    (c) => {
      delete c.root;
    },
    /: root is missing; expected the root filesystem/,
  ],
  'ociVersion missing': [
    (c) => {
      delete (c as Partial<Config>).ociVersion;
    },
    /: ociVersion is required, but missing/,
  ],
  'ociVersion of another major version': [
    (c) => {
      c.ociVersion = '2.0.0';
    },
    /ociVersion.*2\.0\.0/,
  ],
  'ociVersion that is none': [
    (c) => {
      c.ociVersion = 'one';
    },
    /: ociVersion is "one"; expected a version/,
  ],
  'rootfs that does not exist': [
    (c) => {
      c.root = { path: 'nowhere' };
    },
    /nowhere: ENOENT/,
  ],
  'rootfs that is a file': [
    (c) => {
      c.root = { path: 'config.json' };
    },
    /config\.json: not a directory/,
  ],
  'wrong type': [
    (c) => {
      c.hostname = 5 as never;
    },
    /: hostname is 5; expected a string/,
  ],
  'no args': [
    (c) => {
      c.process.args = [];
    },
    /: process\.args names no program/,
  ],
  'executable not in PATH': [
    (c) => {
      c.process.args = ['nosuch'];
    },
    /exec: "nosuch": executable file not found in \$PATH \(\/bin\)/,
  ],
  'executable that does not exist': [
    (c) => {
      c.process.args = ['/no/such'];
    },
    /"\/no\/such": no such file/,
  ],
  'file that is not executable': [
    (c) => {
      c.process.args = ['/etc/passwd'];
    },
    /"\/etc\/passwd": permission denied/,
  ],
  'directory as executable': [
    (c) => {
      c.process.args = ['/etc'];
    },
    /"\/etc": is a directory: permission denied/,
  ],
  'relative cwd': [
    (c) => {
      c.process.cwd = 'tmp';
    },
    /: process\.cwd is "tmp"; expected an absolute path/,
  ],
  'cwd that is a file': [
    (c) => {
      c.process.cwd = '/etc/passwd';
    },
    /\/etc\/passwd.*ENOTDIR/,
  ],
  'unknown mount type': [(c) => mount(c, { type: 'nosuchfs' }), /mount nosuchfs on \/mnt: ENODEV/],
  'unknown mount option': [
    (c) => mount(c, { type: 'tmpfs', options: ['nosuch=1'] }),
    /mount tmpfs on \/mnt: option nosuch=1: EINVAL .*Unknown parameter/,
  ],
  'bad value of a mount option': [
    (c) => mount(c, { type: 'tmpfs', options: ['size=x'] }),
    /option size=x: EINVAL/,
  ],
  'mount without type': [(c) => mount(c, {}), /mounts\[7\]\.type is missing/],
  'bind source that does not exist': [
    (c) => mount(c, { source: '/no/such/source', options: ['bind'] }),
    /bind \/no\/such\/source on \/mnt: ENOENT/,
  ],
  'bind of a file on a directory': [
    (c) => mount(c, { source: '/etc/hostname', destination: '/etc', options: ['bind'] }),
    /bind \/etc\/hostname on \/etc: E\w+ .*; the source is a file, and what is at the destination a directory; mounts\[7\] is at \S+\/config\.json:1:\d+$/m,
  ],
  'bind of a directory on a file': [
    (c) => mount(c, { source: '/etc', destination: '/etc/passwd', options: ['rbind'] }),
    /bind \/etc on \/etc\/passwd: E\w+ .*; the source is a directory, and what is at the destination a file; mounts\[7\] is at \S+\/config\.json:1:\d+$/m,
  ],
  'tmpfs on a file': [
    (c) => mount(c, { type: 'tmpfs', destination: '/etc/passwd' }),
    /mount tmpfs on \/etc\/passwd: E\w+ .*; a tmpfs is a directory, and what is at the destination a file; mounts\[7\] is at \S+\/config\.json:1:\d+$/m,
  ],
  'mount in procfs': [
    (c) => mount(c, { source: '/dev', destination: '/proc/self/attr', options: ['bind'] }),
    /a mount on procfs could deceive/,
  ],
  'duplicate namespace': [
    (c) => {
      c.linux.namespaces?.push({ type: 'pid' });
    },
    /: linux\.namespaces\[6\]\.type is pid once more/,
  ],
  'unknown namespace': [
    (c) => {
      c.linux.namespaces?.push({ type: 'nett' as never });
    },
    /: linux\.namespaces\[6\]\.type is "nett"; expected one of pid, network/,
  ],
  'namespace path that does not exist': [
    (c) => joins(c, 'network', '/no/such/ns'),
    /network namespace \/no\/such\/ns: ENOENT/,
  ],
  'namespace path of another type': [
    (c) => joins(c, 'network', '/proc/self/ns/uts'),
    /open network namespace \/proc\/self\/ns\/uts: it is a uts namespace/,
  ],
  'namespace path that is a plain file': [(c) => joins(c, 'network', '/etc/passwd'), /not a namespace/],
  'hostname without uts namespace': [(c) => without(c, 'uts'), /hostname.*uts/],
  'unknown rlimit': [
    (c) => rlimits(c, 'RLIMIT_NOSUCH'),
    /: process\.rlimits\[0\]\.type is "RLIMIT_NOSUCH"; expected one of RLIMIT_CPU/,
  ],
  'duplicate rlimit': [
    (c) => rlimits(c, 'RLIMIT_CORE', 'RLIMIT_CORE'),
    /: process\.rlimits\[1\]\.type is RLIMIT_CORE once more/,
  ],
  'unknown sysctl': [
    (c) => {
      c.linux.sysctl = { 'net.no.such': '1' };
    },
    /net\.no\.such.*no such parameter/,
  ],
  'sysctl of the host': [
    (c) => {
      c.linux.sysctl = { 'vm.swappiness': '1' };
    },
    /linux\.sysctl\["vm\.swappiness"\] is not isolated by any namespace/,
  ],
  'user that is not mapped': [mapsOneUser, /uid is 5/],
  'device without numbers': [
    (c) => {
      c.linux.devices = [{ type: 'c', path: '/dev/x' } as never];
    },
    /: linux\.devices\[0\]\.major is missing; expected a number/,
  ],
  'device at a place that is taken': [
    (c) => {
      c.linux.devices = [{ type: 'c', path: '/etc/passwd', major: 1, minor: 3 }];
    },
    /\/etc\/passwd: a file that is not this device/,
  ],
  'cgroupsPath that leads out': [
    (c) => {
      c.linux.cgroupsPath = '/../../x';
    },
    /: linux\.cgroupsPath is "\/\.\.\/\.\.\/x"; expected a path without \.\./,
  ],
  'unknown seccomp action': [
    (c) => {
      c.linux.seccomp = { defaultAction: 'SCMP_ACT_KIL' as never };
    },
    /: linux\.seccomp\.defaultAction is "SCMP_ACT_KIL"; expected SCMP_ACT_KILL/,
  ],
  'hook that does not exist': [
    (c) => {
      c.hooks = { createRuntime: [{ path: '/no/such/hook' }] };
    },
    /createRuntime hook 0 \(\/no\/such\/hook\): execute \/no\/such\/hook: ENOENT/,
  ],
  'hook that fails': [
    (c) => {
      c.hooks = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'exit 3'] }] };
    },
    /createContainer hook 0 \(\/bin\/sh\): exit status 3/,
  ],
  'terminal without console socket': [
    (c) => {
      c.process.terminal = true;
    },
    /a terminal is asked for: --console-socket is needed to hand it over; process\.terminal is at .*config\.json:\d+:\d+/,
  ],
  'unknown cgroup file': [
    (c) => {
      c.linux.resources = { unified: { 'nosuch.max': '1' } };
    },
    /linux\.resources\.unified\["nosuch\.max"\] .* needs the cgroup v2 controller nosuch/,
  ],
};

function mount(config: Full, entry: Partial<NonNullable<Config['mounts']>[number]>): void {
  config.mounts?.push({ destination: '/mnt', ...entry });
}

function joins(config: Full, type: 'network', path: string): void {
  without(config, type);
  config.linux.namespaces?.push({ type, path });
}

function without(config: Full, type: string): void {
  config.linux.namespaces = config.linux.namespaces?.filter((namespace) => namespace.type !== type) ?? [];
}

function rlimits(config: Full, ...types: string[]): void {
  config.process.rlimits = types.map((type) => ({ type: type as never, soft: 0, hard: 0 }));
}

function mapsOneUser(config: Full): void {
  config.linux.namespaces?.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1 }];
  config.process.user = { uid: 5, gid: 0 };
}

for (const [what, [change, message]] of Object.entries(configs)) {
  test(what, () => {
    box.configure('true', change);
    refuses(box.tsoci('create', box.id()), message);
  });
}

test('what hooks have made is taken back when a later step fails', () => {
  const log = join(box.directory, 'hooks.log');
  const hook = (text: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `cat >/dev/null; echo ${text} >>${log}`],
  });
  box.configure('true', (config) => {
    config.hooks = { createRuntime: [hook('made')], poststop: [hook('taken back')] };
    config.process.args = ['nosuch'];
  });
  refuses(box.tsoci('create', box.id()), /"nosuch": executable file not found/);
  assert.is(readFileSync(log, 'utf8'), 'made\ntaken back\n');
});

test('exec with a process file that is not valid', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const file = join(box.directory, 'process.json');
  const says = (text: string, message: RegExp) => {
    writeFileSync(file, text);
    tells(box.tsoci('exec', '--process', file, id), message, EXEC_FAILED);
  };
  says('{ "args": ["true"], }', /process\.json:1:\d+: /);
  says('{ "cwd": "/", "args": "true" }', /process\.json:1:\d+: .*args/);
  says('{ "cwd": "tmp", "args": ["true"] }', /process\.json:1:\d+: .*cwd/);
  says(
    '{ "cwd": "/", "args": ["true"], "rlimits": [{ "type": "RLIMIT_X", "soft": 1, "hard": 1 }] }',
    /RLIMIT_X/,
  );
  rmSync(file);
  tells(box.tsoci('exec', '--process', file, id), /read .*process\.json: ENOENT/, EXEC_FAILED);
  writeFileSync(file, '{ "cwd": "/etc", "args": ["pwd"], "env": ["PATH=/bin"] }');
  assert.is(box.tsoci('exec', '--process', file, id).stdout, '/etc\n');
  tells(box.tsoci('update', '--l3-cache-schema', 'L3:0=f', id), /the config of .* has no linux\.intelRdt/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('config.json missing', () => {
  rmSync(join(box.bundle, 'config.json'));
  refuses(box.tsoci('create', box.id()), /config\.json: ENOENT/);
});

test('broken JSON', () => {
  box.write('{ "ociVersion": "1.3.0", }');
  refuses(box.tsoci('create', box.id()), /config\.json:1:\d+: /);
});

test('bundle missing', () => {
  refuses(box.tsoci('create', '--bundle', '/no/such/bundle', box.id()), /\/no\/such\/bundle.*ENOENT/);
});

for (const id of ['..', '.', 'a/b', '', 'x'.repeat(300), 'a b', 'ä']) {
  test(`id ${JSON.stringify(id).slice(0, 20)}`, () => {
    box.configure('true');
    refuses(box.tsoci('create', id), /container id ("|is )/);
    refuses(box.tsoci('state', id), /container id ("|is )/);
  });
}

for (const command of ['state', 'start', 'kill', 'delete', 'pause', 'resume', 'ps', 'events', 'update']) {
  test(`${command} of a container that does not exist`, () => {
    refuses(box.tsoci(command, box.id()), /does not exist/);
  });
}

test('unknown command, option and signal', () => {
  refuses(box.tsoci('crate'), /unknown command crate; did you mean create\?/);
  refuses(box.tsoci('create', '--bundel', 'x', 'y'), /unknown option --bundel; did you mean --bundle\?/);
  refuses(box.tsoci('kill', box.id(), 'NOSUCH'), /unknown signal NOSUCH/);
});

test('descriptor to preserve that is not open', () => {
  box.configure('true');
  refuses(box.tsoci('create', '--preserve-fds', '50', box.id()), /descriptor 3 .*EBADF/);
});

test('absurd numbers of descriptors: an error that names them, at once', () => {
  box.configure('true');
  const env = (LISTEN_FDS: string) => ({ env: { PATH: process.env.PATH, LISTEN_FDS } });
  const inherits = (LISTEN_FDS: string) => box.tsociWith(env(LISTEN_FDS), 'create', box.id());
  refuses(inherits('99999999999999999999'), /descriptor 3 .*LISTEN_FDS 100000000000000000000\): EBADF/);
  refuses(inherits('4294967296'), /descriptor 3 .*LISTEN_FDS 4294967296\): EBADF/);
  for (const text of ['-1', 'two', '1.5', ' 1'])
    refuses(inherits(text), /LISTEN_FDS is ".*"; expected a number/);
  const preserves = (count: string) => box.tsoci('create', '--preserve-fds', count, box.id());
  refuses(preserves('99999999'), /descriptor 3 \(--preserve-fds 99999999,.*EBADF/);
  refuses(preserves('9007199254740991'), /descriptor 3 \(--preserve-fds 9007199254740991,.*EBADF/);
  refuses(preserves('99999999999999999999'), /--preserve-fds: 99999999999999999999 is out of range/);
});

test('pid file in a directory that does not exist', () => {
  box.configure('true');
  refuses(box.tsoci('create', '--pid-file', '/no/such/dir/pid', box.id()), /pid file .*ENOENT/);
});

test('pid file that is a directory: nothing is left beside it', () => {
  box.configure('true');
  const directory = join(box.directory, 'pids');
  mkdirSync(join(directory, 'pid'), { recursive: true });
  refuses(box.tsoci('create', '--pid-file', join(directory, 'pid'), box.id()), /pid file .*EISDIR/);
  assert.equal(readdirSync(directory), ['pid']);
});

test('pid file where somebody has laid a link: the link is not followed', () => {
  const id = box.id();
  box.configure('sleep 1000');
  const victim = join(box.directory, 'victim');
  writeFileSync(victim, 'as it was');
  symlinkSync(victim, join(box.directory, '.linked.next'));
  assert.is(box.detached('create', '--pid-file', join(box.directory, 'linked'), id), 0);
  assert.is(readFileSync(victim, 'utf8'), 'as it was');
  assert.is(Number(readFileSync(join(box.directory, 'linked'), 'utf8')), box.state(id).pid);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('console socket that does not exist', () => {
  box.configure('true', ({ process }) => {
    process.terminal = true;
  });
  refuses(box.tsoci('create', '--console-socket', join(box.directory, 'none'), box.id()), /none: ENOENT/);
});

test('state directory below a file', () => {
  box.configure('true');
  const file = join(box.directory, 'file');
  writeFileSync(file, '');
  const { status, stderr } = spawnSync(tsociPath, ['--root', join(file, 'x'), 'create', box.id()], {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: 20_000,
  });
  refuses({ status, stderr, stdout: '' }, /state directory .*ENOTDIR/);
});

test('full disk on the state directory', () => {
  box.configure('true');
  const full = join(box.directory, 'full');
  mkdirSync(full);
  const script = `mount -t tmpfs -o size=4k,nr_inodes=100 none ${full} && dd if=/dev/zero of=${full}/fill bs=4k count=1 2>/dev/null
    ${tsociPath} --root ${full}/state create ${box.id()} </dev/null; status=$?; ls ${full}/state; exit $status`;
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.is(stdout, '');
  refuses({ status, stderr, stdout }, /ENOSPC/);
});

test('no permission', () => {
  box.configure('true');
  // Readable by all, but nothing of the host is allowed to an ordinary user without a user namespace.
  chmodSync(join(box.bundle, 'config.json'), 0o644);
  const state = join(box.directory, 'nobody');
  mkdirSync(state, { mode: 0o777 });
  chmodSync(state, 0o777);
  const { status, stderr } = spawnSync(tsociPath, ['--root', join(state, 'x'), 'create', box.id()], {
    cwd: box.bundle,
    encoding: 'utf8',
    uid: 65534,
    gid: 65534,
    timeout: 20_000,
  });
  refuses({ status, stderr, stdout: '' }, /EPERM|EACCES/);
});

test.after(() => box.close());
test.run();
