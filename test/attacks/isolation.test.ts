// What a container must not reach of the host, whatever its config leaves out or joins.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config, Namespace } from '../../src/config/generated/types.ts';
import { type Change, Sandbox, tsociPath, userNamespace } from '../container/harness.ts';
import { attempt, refused } from './support.ts';

const test = suite('isolation');
const box = new Sandbox();
writeFileSync(join(box.rootfs, 'MARK'), '');

const withoutMounts: Change = (config) => {
  config.mounts = [];
  config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== 'mount') ?? [];
  delete config.linux.maskedPaths;
  delete config.linux.readonlyPaths;
};

test('without a mount namespace root.path is the root all the same: of the process and of exec', () => {
  assert.is(box.run('test -e /MARK && echo inside', withoutMounts), 'inside\n');
  assert.is(
    box.run('test -e /MARK && echo inside', (config) => {
      withoutMounts(config);
      userNamespace(config);
    }),
    'inside\n',
  );
  symlinkSync(`/../../..${box.directory}`, join(box.rootfs, 'way'));
  const seen = box.run('pwd; pwd >/hooked; cat /hooked', (config) => {
    withoutMounts(config);
    config.process.cwd = '/way/made/for/it';
    config.hooks = { startContainer: [{ path: '/bin/test', args: ['test', '-e', '/MARK'] }] };
  });
  assert.is(seen, `${box.directory}/made/for/it\n`.repeat(2), 'its working directory is made in it');
  assert.not.ok(existsSync(join(box.directory, 'made')));
  const id = box.id();
  box.configure('sleep 1000', withoutMounts);
  assert.is(box.detached('run', '--detach', id), 0);
  assert.is(box.tsoci('exec', id, 'test', '-e', '/MARK').status, 0);
  box.tsoci('delete', '--force', id);
});

test('standard streams that are /dev/null of the host become that of the container', () => {
  const numbers = 'stat -L -c %d:%i /proc/self/fd/0 /proc/self/fd/2 /dev/null';
  const id = box.id();
  box.configure(`${numbers} >/of-init; sleep 1000`);
  assert.is(box.detached('run', '--detach', id), 0);
  assert.is(box.detached('exec', id, 'sh', '-c', `${numbers} >/of-exec`), 0);
  for (const name of ['of-init', 'of-exec']) {
    const lines = readFileSync(join(box.rootfs, name), 'utf8').trim().split('\n');
    assert.is(lines.length, 3);
    assert.is(new Set(lines).size, 1, `${name}: ${lines}`);
  }
  box.tsoci('delete', '--force', id);
});

test('a container whose /dev/null is something else keeps what it was given', () => {
  const id = box.id();
  box.configure('test -e /bin/busybox', (config) => {
    config.mounts = config.mounts?.filter(({ destination }) => !destination.startsWith('/dev')) ?? [];
    config.mounts.push({
      destination: '/dev',
      type: 'bind',
      source: join(box.rootfs, 'etc'),
      options: ['bind'],
    });
  });
  writeFileSync(join(box.rootfs, 'etc', 'null'), 'a file');
  assert.is(box.detached('run', id), 0);
  assert.is(readFileSync(join(box.rootfs, 'etc', 'null'), 'utf8'), 'a file');
});

test('a namespace that is joined by path and is that of the runtime is not changed', () => {
  const joining: [type: 'network' | 'ipc' | 'uts', file: string, change: Change, told: RegExp][] = [
    [
      'network',
      'net',
      ({ linux }) => (linux.sysctl = { 'net.ipv4.ip_forward': '1' }),
      /net\.ipv4\.ip_forward/,
    ],
    ['ipc', 'ipc', ({ linux }) => (linux.sysctl = { 'kernel.msgmax': '8192' }), /kernel\.msgmax/],
    ['uts', 'uts', (config) => (config.hostname = 'other'), /which hostname would change/],
  ];
  for (const [type, file, change, told] of joining) {
    box.configure('true', (config) => {
      config.linux.namespaces = config.linux.namespaces?.filter((namespace) => namespace.type !== type) ?? [];
      config.linux.namespaces.push({ type, path: `/proc/${process.pid}/ns/${file}` });
      delete config.hostname;
      change(config);
    });
    const { status, stderr } = box.tsoci('run', box.id());
    assert.is(status, 1);
    assert.match(stderr, /it is that of the runtime/);
    assert.match(stderr, told);
  }
  assert.is.not(hostname(), 'other');
  box.configure('true', ({ linux }) => {
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'mount') ?? [];
    linux.namespaces.push({ type: 'mount', path: `/proc/${process.pid}/ns/mnt` });
  });
  assert.match(box.tsoci('run', box.id()).stderr, /mount namespace .*: it is that of the runtime/);
});

for (const [type, mask] of [
  ['proc', '/proc/kcore'],
  ['sysfs', '/sys/firmware'],
] as const) {
  test(`--no-pivot leaves no ${type} of the host by which a user namespace could have an unmasked one`, () => {
    box.configure(
      `unshare -mrnpf /bin/busybox sh -c 'mount -t ${type} none /tmp && echo mounted'`,
      (config) => {
        config.linux.maskedPaths = [mask];
        const caps = ['CAP_SYS_ADMIN', 'CAP_SETFCAP', 'CAP_DAC_OVERRIDE'];
        config.process.capabilities = { bounding: caps, effective: caps, permitted: caps };
      },
    );
    const { stdout, stderr } = box.tsoci('run', '--no-pivot', box.id());
    assert.is(stdout, '');
    assert.match(stderr, /permission denied/i);
  });
}

/** What a user namespace within a container takes to mount a procfs, if nothing forbids it. */
const mountsProc: Change = ({ process, linux }) => {
  process.args = ['busybox', 'unshare', '-mrpf', 'sh', '-c', 'mount -t proc none /proc && echo mounted'];
  const capabilities = ['CAP_SYS_ADMIN', 'CAP_SETFCAP', 'CAP_DAC_OVERRIDE'];
  process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
  linux.maskedPaths = ['/proc/kcore'];
};

// Seen with the procfs of the host unmounted by their paths alone: it was mounted in the first two. Where a tmpfs lay over
// one, that was unmounted in its place.
for (const [what, setUp, change] of [
  ['under a tmpfs', 'mount -t proc proc "$1/h"; mount -t tmpfs none "$1/h"', () => {}],
  ['in the root filesystem', 'mount -t proc proc "$1/bundle/rootfs/proc"', () => {}],
  ['beside it', 'mount -t proc proc "$1/h"', () => {}],
  [
    'below a shared mount',
    'mount --make-shared -t tmpfs none "$1/h"; mkdir "$1/h/p"; mount -t proc proc "$1/h/p"',
    () => {},
  ],
  ['that a user namespace may not unmount', 'mount -t proc proc "$1/h"', userNamespace],
] as [string, string, Change][]) {
  test(`--no-pivot: a procfs of the host ${what} does not help a user namespace`, () => {
    mkdirSync(join(box.directory, 'h'), { recursive: true });
    box.configure('true', (config) => {
      change(config);
      mountsProc(config);
    });
    const script = `mount --make-rprivate /; ${setUp}; cat /proc/self/mountinfo >"$1/before"; shift; "$@"; cat /proc/self/mountinfo >"$0"`;
    const tsoci = [tsociPath, '--root', box.root, 'run', '--no-pivot', '--bundle', box.bundle, box.id()];
    const after = join(box.directory, 'after');
    const args = ['--mount', 'sh', '-c', script, after, box.directory, ...tsoci];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
    assert.is(stdout, '', stderr);
    assert.match(stderr, /permission denied/i);
    const [before, now] = [join(box.directory, 'before'), after].map((file) => readFileSync(file, 'utf8'));
    assert.is(now, before, 'the mounts of the host are as they were');
  });
}

test('--no-pivot: mounts of the config stay shared', () => {
  box.configure('cat /proc/self/mountinfo', (config) => {
    config.mounts?.push({ destination: '/shared', type: 'tmpfs', source: 'tmpfs', options: ['shared'] });
  });
  const { stdout } = box.tsoci('run', '--no-pivot', box.id());
  assert.match(stdout, / \/shared .* shared:\d+ .*- tmpfs /);
});

test('a waiting init has no capability that the process of the config has not', () => {
  const id = box.id();
  box.configure('true', (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.capabilities = { bounding: ['CAP_KILL'], effective: [], permitted: [], inheritable: [] };
  });
  assert.is(box.detached('create', id), 0);
  const status = readFileSync(`/proc/${box.state(id).pid}/status`, 'utf8');
  assert.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
  assert.match(status, /^CapPrm:\t0{16}$/m);
  assert.match(status, /^CapEff:\t0{16}$/m);
  assert.match(status, /^CapBnd:\t0{14}20$/m);
  assert.is(box.tsoci('start', id).status, 0);
  box.tsoci('delete', '--force', id);
});

test('what the process cannot become is an error of create', () => {
  const id = box.id();
  box.configure('true', (config) => {
    config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 2 ** 30, hard: 2 ** 40 }];
  });
  const { status, stderr } = box.tsoci('create', id);
  assert.is(status, 1);
  assert.match(stderr, /set rlimit RLIMIT_NOFILE .*: E/);
  assert.is(box.tsoci('state', id).status, 1);
});

// Seen while the limit was set first: start: the container is stopped.
test('a limit of descriptors that leaves no room for the socket of start is set when there is no need of it', () => {
  for (const change of [() => {}, userNamespace] satisfies Change[]) {
    for (const [soft, hard] of [
      [0, 0],
      [3, 3],
      [3, 1000],
      [20, 20],
    ] as const) {
      const seen = box.run('ulimit -Sn; ulimit -Hn', (config) => {
        change(config);
        config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft, hard }];
      });
      assert.is(seen, `${soft}\n${hard}\n`);
    }
  }
});

/** What a container has done, with the mounts of the host as a script sets them up; $1 is the sandbox. */
function runAmong(setUp: string, command: 'run' | 'plan') {
  const inside = `mount --make-rprivate /; ${setUp}; shift; "$@"; status=$?; cat /proc/self/mountinfo; exit $status`;
  const what = command === 'run' ? ['run', '--bundle', box.bundle, box.id()] : ['plan', box.bundle];
  const args = ['--mount', 'sh', '-c', inside, 'sh', box.directory, tsociPath, '--root', box.root, ...what];
  return spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
}
const host = join(box.directory, 'host');
mkdirSync(host);

// Seen while it was mounted anew: nsdelegate and memory_recursiveprot, which systemd sets, were gone on the host.
test('a cgroup mount without a cgroup namespace is that of the host, and not one more', () => {
  const trace = join(box.directory, 'trace');
  box.configure('cat /proc/self/mountinfo', ({ linux }) => {
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== 'cgroup') ?? [];
  });
  const { stdout } = box.tsoci(`--trace=${trace}`, 'run', box.id());
  const mount = stdout.split('\n').find((line) => line.split(' ')[4] === '/sys/fs/cgroup');
  assert.match(
    mount ?? stdout,
    / ro,nosuid,nodev,noexec,relatime - cgroup2 /,
    'private, and with its own flags',
  );
  assert.not.match(readFileSync(trace, 'utf8'), /fsopen\("cgroup2"/);
  box.configure('true', (config) => {
    config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== 'cgroup') ?? [];
    config.mounts?.find(({ type }) => type === 'cgroup')?.options?.push('favordynmods');
  });
  assert.match(box.tsoci('run', box.id()).stderr, /option favordynmods: the filesystem is also the host's/);
});

// Seen while it was mounted anew: debugfs of the host had mode 711 (Linux 6.18).
test('a filesystem of which there is one is that of the host, and its options stay what they are', () => {
  const debugfs =
    (options: string[]): Change =>
    (config) => {
      config.mounts?.push({ destination: '/debug', type: 'debugfs', source: 'debugfs', options });
    };
  const setUp = `mount -t debugfs none ${host}`;
  box.configure('cat /proc/self/mountinfo', debugfs(['nosuid', 'ro']));
  const { status, stdout, stderr } = runAmong(setUp, 'run');
  if (stderr.includes("unknown filesystem type 'debugfs'")) return console.log('skip: no debugfs');
  assert.is(status, 0, stderr);
  assert.match(stdout, / \/debug ro,nosuid,relatime - debugfs none rw/);
  box.configure('true', debugfs(['mode=711']));
  const refused = runAmong(setUp, 'run');
  assert.is(refused.status, 1);
  assert.match(
    refused.stderr,
    /mount debugfs on \/debug: option mode=711: the filesystem is also the host's/,
  );
});

test('remount changes no filesystem of the host, but the mount', () => {
  const remounted =
    (type: string, ...options: string[]): Change =>
    (config) => {
      config.mounts?.push(
        { destination: '/data', type: 'bind', source: host, options: ['bind'] },
        { destination: '/data', type, source: 'none', options: ['remount', ...options] },
      );
    };
  // Of hugetlbfs, as of a disk, ro is an option.
  box.configure('cat /proc/self/mountinfo', remounted('hugetlbfs', 'ro', 'nosuid'));
  const changed = runAmong(`mount -t hugetlbfs none ${host}`, 'run');
  if (changed.stderr.includes("unknown filesystem type 'hugetlbfs'"))
    return console.log('skip: no hugetlbfs');
  assert.is(changed.status, 0, changed.stderr);
  assert.match(changed.stdout, / \/data ro,nosuid,relatime .*- hugetlbfs none rw/);
  box.configure('true', remounted('tmpfs', 'size=64k'));
  const { status, stderr } = runAmong(`mount -t tmpfs -o size=1m none ${host}`, 'run');
  assert.is(status, 1);
  assert.match(stderr, /option size=64k: the filesystem is also the host's/);
  box.configure('cat /proc/self/mountinfo', (config) => {
    config.mounts?.push({ destination: '/own', type: 'tmpfs', source: 'none', options: ['size=64k'] });
    config.mounts?.push({
      destination: '/own',
      type: 'tmpfs',
      source: 'none',
      options: ['remount', 'size=32k'],
    });
  });
  assert.match(
    box.tsoci('run', box.id()).stdout,
    / \/own .* - tmpfs none rw,size=32k/,
    'one of its own it does',
  );
});

// Seen: /dev/ptmx of the host was to be replaced by a link.
test('a mount of devtmpfs is /dev of the host, in which nothing is made', () => {
  box.configure('true', (config) => {
    config.mounts = config.mounts?.filter(({ destination }) => !destination.startsWith('/dev')) ?? [];
    config.mounts.push({ destination: '/dev/../dev/', type: 'devtmpfs', source: 'devtmpfs' });
  });
  const { status, stdout, stderr } = box.tsoci('plan', box.bundle);
  assert.is(status, 0, stderr);
  assert.not.match(stdout, /mknodat|symlinkat|unlinkat/);
});

test('no link of the image leads a mount to /dev, where devices would be made in it', () => {
  symlinkSync('/dev', join(box.rootfs, 'volume'));
  box.configure('true', (config) => {
    config.mounts?.push({ destination: '/volume', type: 'bind', source: host, options: ['bind'] });
  });
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 1);
  assert.match(stderr, /bind .* on \/volume: it is a link to \/dev/);
  assert.equal(readdirSync(host), []);
});

// runc's message to its init had 16 bits for the length of a path, and what was beyond them was read as messages.
test('CVE-2021-43784: what is longer than 16 bits can say is an error, and nothing of it is done', () => {
  const tail = 'x'.repeat(2 ** 16 + 16);
  const types: Namespace[] = [{ type: 'mount' }, { type: 'uts' }];
  for (const [parts, why] of [
    [
      { linux: { namespaces: [...types, { type: 'network', path: `/${tail}` }] } },
      /ENAMETOOLONG .*linux\.namespaces/,
    ],
    [{ process: { cwd: `/${tail}`, args: ['true'] } }, /ENAMETOOLONG .*process\.cwd/],
    [{ hostname: tail }, /hostname has 65552 bytes/],
    [{ linux: { namespaces: types, cgroupsPath: `/${tail}` } }, /ENAMETOOLONG/],
  ] satisfies [Partial<Config>, RegExp][])
    refused(
      attempt(box, 'echo alive', (config) => void Object.assign(config, parts)),
      why,
    );
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
