// tsoci plan shows what --trace shows of the same bundle, and does none of it.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, Sandbox } from '../container/harness.ts';

const test = suite('seeing: plan');
const box = new Sandbox();
/** The id that a plan gives a container is the name of the bundle: it is part of the name of the keyring. */
const id = 'bundle';

function plan(): string[] {
  const { status, stdout, stderr } = box.tsoci('plan', box.bundle);
  assert.is(status, 0, stderr);
  return stdout.split('\n').slice(0, -1);
}

/** What a run shows, on a file. */
function trace(): string[] {
  const file = join(box.directory, 'trace');
  writeFileSync(file, '');
  const { status, stderr } = box.tsoci(`--trace=${file}`, 'run', id);
  assert.is(status, 0, stderr);
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

/** Only what no plan can know: pids, times, the serial number of a keyring, the type of the host's own filesystem. */
function comparable(line: string): string {
  return line
    .replace(/^(\w+) \d+:/, '$1:')
    .replace(/ <[\d.]+ s, \d+ calls?>$/, '')
    .replace(/^(\w+: clone3\(.*\)) = \d+/, '$1 = PID')
    .replace(/(KEYCTL_JOIN_SESSION_KEYRING.*\)) = \d+/, '$1 = SERIAL')
    .replace(/process \d+/, 'process PID')
    .replace(/f_type=0x[0-9a-f]+/, 'f_type=HOST');
}

function compare(change?: Change): string[] {
  box.configure('true', change);
  const planned = plan().map(comparable);
  const traced = trace().map(comparable);
  // The first difference tells more than two lists of hundreds of lines.
  for (const [i, line] of traced.entries()) assert.is(planned[i], line, `line ${i + 1}`);
  assert.is(planned.length, traced.length);
  return planned;
}

if (process.getuid?.() === 0) {
  test('of the bundle that tsoci spec writes, call by call', () => {
    const lines = compare(({ process }) => {
      process.terminal = true;
    });
    assert.ok(lines.length > 200, String(lines.length));
    assert.ok(lines.some((line) => /^init: ioctl\(\d+, TIOCGPTPEER, .* # process\.terminal$/.test(line)));
    assert.ok(lines.includes('init: sethostname("tsoci", 5) = 0  # hostname'));
    assert.ok(lines.some((line) => /^init: move_mount\(.* # linux\.maskedPaths\[\d\]$/.test(line)));
    assert.ok(
      lines.some((line) =>
        /^init: mount_setattr\(.*MOUNT_ATTR_RDONLY.* # linux\.readonlyPaths\[\d\]$/.test(line),
      ),
    );
    assert.match(
      lines.at(-1) ?? '',
      /^init: execve\("\/bin\/sh", \["\/bin\/sh", "-c", "true"\].* # process\.args$/,
    );
  });

  test('of one with hooks, sysctls, devices, mounts to make places for, a user and a limit', () => {
    const path = '/bin/true';
    const lines = compare((config) => {
      config.hooks = {
        createRuntime: [{ path }],
        createContainer: [{ path }],
        startContainer: [{ path: '/bin/true' }],
        poststart: [{ path }],
      };
      config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
      config.linux.devices = [{ path: '/dev/extra/null', type: 'c', major: 1, minor: 3, uid: 5, gid: 6 }];
      config.mounts?.push({ destination: '/made/by/tsoci', type: 'tmpfs', source: 'tmpfs' });
      config.mounts?.push({ destination: '/through/here', type: 'tmpfs', source: 'tmpfs' });
      config.mounts?.push({ destination: '/etc/hosts', source: '/etc/passwd', options: ['bind', 'ro'] });
      config.process.user = { uid: 1000, gid: 1000, additionalGids: [5] };
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }];
      config.process.cwd = '/tmp';
    });
    assert.ok(
      lines.some((line) => /^hook: execve\("\/bin\/true".* # hooks\.createContainer\[0\]$/.test(line)),
    );
    assert.ok(lines.some((line) => /makedev\(1, 3\)\) = 0 {2}# linux\.devices\[0\]$/.test(line)));
    assert.ok(lines.some((line) => /# linux\.sysctl\["net\.ipv4\.ip_forward"\]$/.test(line)));
  });

  test('of one in a user namespace, with devices of the host bound', () => {
    compare(({ linux }) => {
      linux.namespaces?.push({ type: 'user' });
      linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    });
  });

  test('start is traced when create was not', () => {
    box.configure('true');
    const file = join(box.directory, 'start');
    const started = box.id();
    assert.is(box.detached('create', started), 0);
    assert.is(box.detached(`--trace=${file}`, 'start', started), 0);
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.ok(lines.some((line) => /^init \d+: accept4\(/.test(line)));
    assert.ok(
      lines.some((line) =>
        /^init \d+: execve\("\/bin\/sh", .* # process\.args <[\d.]+ s, \d+ calls>$/.test(line),
      ),
    );
    box.tsoci('delete', '--force', started);
  });

  test('a call that fails is the last line, with its error', () => {
    box.configure('true', ({ mounts }) => {
      mounts?.push({ destination: '/x', type: 'tmpfs', source: 'tmpfs', options: ['nonsense=1'] });
    });
    const { status, stderr } = box.tsoci('--trace', 'run', box.id());
    assert.is(status, 1);
    assert.match(
      stderr,
      /init \d+: fsconfig\(\d+, FSCONFIG_SET_STRING, "nonsense", "1", 0\) = -1 EINVAL \(Invalid argument\) {2}# mounts\[7\]/,
    );
  });
} else console.log('skip: plan beside a run: needs root');

test('a plan makes nothing: no state, file, place to mount on, cgroup or process', () => {
  symlinkSync('/nowhere/yet', join(box.rootfs, 'dangling'));
  mkdirSync(join(box.rootfs, 'inside'), { recursive: true });
  box.configure('true', ({ mounts, linux }) => {
    mounts?.push({ destination: '/dangling/place', type: 'tmpfs', source: 'tmpfs' });
    linux.cgroupsPath = `/${box.id()}`;
  });
  const list = () => readdirSync(box.directory, { recursive: true }).sort();
  const [before, hadState] = [list(), existsSync(box.root)];
  const lines = plan();
  assert.ok(
    lines.some((line) => /mkdirat\(\d+, "nowhere", 0755\) = 0/.test(line)),
    lines.join('\n'),
  );
  assert.equal(list(), before);
  assert.is(existsSync(box.root), hadState);
  assert.equal(box.leftovers(), []);
});

test('a bundle that cannot be one is the error that create has', () => {
  box.write('{}');
  const { status, stderr } = box.tsoci('plan', box.bundle);
  assert.is(status, 1);
  assert.match(stderr, /config\.json: .*ociVersion/);
  assert.match(box.tsoci('plan', '--bundle', '.', '.').stderr, /given twice/);
});

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
