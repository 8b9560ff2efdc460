// tsoci plan shows what --trace shows of the same bundle, and does none of it.

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findHierarchy } from '../../src/cgroups/hierarchy.ts';
import { appendsLayers } from '../../src/rootfs/long-options.ts';
import { type Change, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';
import { onTerminal } from '../container/pseudoterminal.ts';
import { type Compared, compare as compareIn } from './compare.ts';

const test = suite('plan');
const box = new Sandbox();
const compare = (change?: Change, compared?: Compared) => compareIn(box, change, compared);

function plan(...options: string[]): string[] {
  const { status, stdout, stderr } = box.tsoci('plan', ...options, box.bundle);
  assert.is(status, 0, stderr);
  return stdout.split('\n').slice(0, -1);
}

const inUsers: Change = ({ linux }) => {
  linux.namespaces?.push({ type: 'user' });
  linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
};

if (process.getuid?.() === 0) {
  test('of the bundle that tsoci spec writes, call by call', () => {
    const lines = onTerminal(box, () =>
      compare(({ process }) => {
        process.terminal = true;
      }),
    );
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
        poststop: [{ path }],
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
    assert.ok(lines.some((line) => /fchownat\(.*"null", 5, 6.* = 0 {2}# linux\.devices\[0\]$/.test(line)));
    assert.ok(lines.some((line) => /# linux\.sysctl\["net\.ipv4\.ip_forward"\]$/.test(line)));
    assert.ok(lines.some((line) => /^init: fsopen\("proc".* # linux\.sysctl$/.test(line)));
    assert.ok(lines.some((line) => /^boot: setns\(.* # hooks\.createContainer\[0\]$/.test(line)));
  });

  // Seen with links followed, in a directory read unsorted: /dev/stdin, since that was /dev/null.
  test('of one in a user namespace, with devices of the host bound, and one made', () => {
    const lines = compare((config) => {
      inUsers(config);
      config.linux.devices = [{ path: '/dev/extra/null', type: 'c', major: 1, minor: 3 }];
    });
    assert.ok(lines.some((line) => /^boot: open_tree\(.*"\/dev\/null"/.test(line)));
    const wanted = lines.filter((line) => line.endsWith('# linux.devices[0]'));
    assert.ok(wanted.some((line) => /^init: mkdirat\(\d+, "extra"/.test(line)));
    assert.ok(wanted.some((line) => /^boot: mknodat\(\d+, "0", S_IFCHR/.test(line)));
    assert.ok(wanted.some((line) => /^boot: fchownat\(\d+, "0", 0, 0/.test(line)));
    assert.ok(wanted.some((line) => /^init: open_tree\(\d+, "0"/.test(line)));
    assert.ok(wanted.some((line) => /^init: move_mount\(/.test(line)));
    assert.ok(!lines.some((line) => /symlinkat.*# linux\.devices/.test(line)));
  });

  test('of one in a user namespace, with more mounts of the host than are opened at first', () => {
    const lines = compare((config) => {
      inUsers(config);
      for (let i = 0; i < 70; i++)
        config.mounts?.push({ destination: `/many/${i}`, source: '/etc/hostname', options: ['bind'] });
    });
    assert.ok(lines.some((line) => /^trees: open_tree\(AT_FDCWD, "\/etc\/hostname"/.test(line)));
    assert.ok(lines.some((line) => /^init: recvmsg\(/.test(line)));
  });

  test('of one that gets its own cgroup bound, which is not there yet', () => {
    const lines = compare((config) => {
      inUsers(config);
      config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== 'cgroup') ?? [];
    });
    if (findHierarchy()) assert.ok(lines.some((line) => /^boot: open_tree\(AT_FDCWD, ".*\/t\d+-/.test(line)));
  });

  test('with options of run, and other cgroup managers', () => {
    const without = compare();
    const keyring = (lines: string[]) => lines.filter((line) => line.includes('KEYCTL_JOIN_SESSION_KEYRING'));
    assert.is(keyring(without).length, 1);
    assert.is(keyring(compare(undefined, { options: ['--no-new-keyring', '--overlay'] })).length, 0);
    const unpivoted = compare(undefined, {
      options: ['--no-pivot'],
      globals: ['--cgroup-manager', 'disabled'],
    });
    assert.ok(!unpivoted.some((line) => /pivot_root|CLONE_INTO_CGROUP/.test(line)));
    assert.ok(without.some((line) => /pivot_root/.test(line)));
    box.configure('true', ({ linux }) => {
      linux.cgroupsPath = 'no-slice';
    });
    const refused = box.tsoci('--systemd-cgroup', 'plan', box.bundle);
    assert.is(refused.status, 1);
    assert.match(refused.stderr, /cgroupsPath/);
  });

  test('of a tmpfs that starts with what is below it', () => {
    const image = join(box.rootfs, 'image');
    mkdirSync(join(image, 'below'), { recursive: true });
    writeFileSync(join(image, 'file'), 'x'.repeat(5000));
    writeFileSync(join(image, 'below', 'empty'), '');
    symlinkSync('file', join(image, 'link'));
    const lines = compare(({ mounts }) => {
      mounts?.push({ destination: '/image', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
    });
    assert.ok(lines.some((line) => line.startsWith('init: sendfile(') && line.includes(') = 5000 ')));
    assert.ok(lines.some((line) => /^init: getdents64\(.* \/\* 5 entries \*\/, 32768\) = 1\d\d /.test(line)));
    assert.is(lines.filter((line) => line.startsWith('init: utimensat(')).length, 4);
  });

  test('of an overlay: the annotations that want it', () => {
    for (const name of ['layer', 'upper', 'work']) mkdirSync(join(box.bundle, name));
    const named = (name: string) => `org.tsoci.overlay.${name}`;
    const lines = compare((config) => {
      config.annotations = {
        [named('lowerdir')]: 'layer:rootfs',
        [named('upperdir')]: 'upper',
        [named('workdir')]: 'work',
      };
    });
    if (!appendsLayers(release())) {
      console.log('skip: the annotations of each layer: before Linux 6.8 all go with one mount(2)');
      return;
    }
    const wanted = (name: string) => lines.filter((line) => line.endsWith(`# annotations["${named(name)}"]`));
    assert.is(wanted('lowerdir').filter((line) => line.includes('"lowerdir+"')).length, 2);
    assert.is(wanted('upperdir').filter((line) => /"upperdir"|"workdir"/.test(line)).length, 2);
  });

  test('of id-mapped mounts', () => {
    const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
    const lines = compare(({ mounts }) => {
      const mapped = { uidMappings: mapping, gidMappings: mapping, options: ['bind'] };
      mounts?.push({ destination: '/mnt/a', source: box.directory, ...mapped });
      mounts?.push({ destination: '/mnt/b', source: box.directory, ...mapped });
    });
    const made = lines.filter((line) => line.includes('CLONE_NEWUSER'));
    assert.is(made.length, 1, 'equal mappings share a user namespace');
    const set = /^init: mount_setattr\(.*MOUNT_ATTR_IDMAP, userns_fd=\d+.* # mounts\[[78]\]$/;
    assert.is(lines.filter((line) => set.test(line)).length, 2);
  });

  test('of a seccomp agent, which a plan does not speak to', async () => {
    const socket = join(box.directory, 'agent');
    const notified: Change = ({ linux }) => {
      const syscalls = [{ names: ['chroot'], action: 'SCMP_ACT_NOTIFY' as const }];
      linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls, listenerPath: socket };
    };
    box.configure('true', notified);
    const alone = plan();
    assert.ok(alone.length > 0, 'nobody listens');
    assert.ok(
      alone.some((line) => line.includes('"_ses.bundle"')),
      'the id is the name of the bundle',
    );
    const server = createServer((connection) => connection.destroy());
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      const lines = compare(notified);
      const flags = 'SECCOMP_FILTER_FLAG_NEW_LISTENER';
      assert.ok(lines.some((line) => line.startsWith(`init: seccomp(SECCOMP_SET_MODE_FILTER, ${flags}`)));
      assert.ok(
        lines.some((line) => /^init: sendmsg\(.*SCM_RIGHTS, cmsg_data=\[\d\].* # linux\.seccomp$/.test(line)),
      );
    } finally {
      server.close();
    }
  });

  test('of --network: the hook that would attach', () => {
    box.configure('true');
    const lines = plan('--network', 'bridge=none0,subnet=10.99.0.0/24', '--id', 'named');
    const hook = lines.find((line) => line.includes('# hooks.createRuntime[0]') && line.includes('execve'));
    assert.match(hook ?? '', /"network", "attach", "--bridge=none0"/);
    assert.ok(lines.some((line) => line.includes('KEYCTL_JOIN_SESSION_KEYRING, "_ses.named"')));
    assert.match(box.tsoci('plan', '--id', 'a/b', box.bundle).stderr, /a\/b/);
  });

  test('start is traced when create was not', () => {
    box.configure('true');
    const file = join(box.directory, 'start');
    const started = box.id();
    assert.is(box.detached('create', started), 0);
    assert.is(box.detached(`--trace=${file}`, 'start', started), 0);
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.ok(lines.some((line) => /^[\d.]+ ms init \d+: accept4\(/.test(line)));
    assert.ok(
      lines.some((line) =>
        / init \d+: execve\("\/bin\/sh", .* # process\.args <[\d.]+ ms, \d+ calls>$/.test(line),
      ),
    );
    box.tsoci('delete', '--force', started);
  });

  test('exec is traced: what enters, and what becomes the process', () => {
    box.configure('sleep 1000');
    const running = box.id();
    assert.is(box.detached('run', '--detach', running), 0);
    const file = join(box.directory, 'exec');
    const { status, stdout } = box.tsoci(
      `--trace=${file}`,
      'exec',
      '--cap',
      'CAP_KILL',
      running,
      'echo',
      'hi',
    );
    assert.is(status, 0);
    assert.is(stdout, 'hi\n');
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.ok(lines.some((line) => / boot \d+: setns\(\d+, .*CLONE_NEWNS/.test(line)));
    assert.ok(lines.some((line) => / boot \d+: clone3\(.*CLONE_PARENT.* = \d+/.test(line)));
    assert.ok(
      lines.some((line) => / exec \d+: capset\(.*CAP_KILL.*\) = \? {2}# process\.capabilities$/.test(line)),
    );
    assert.match(
      lines.at(-2) ?? '',
      / exec \d+: execve\("\/bin\/echo", \["echo", "hi"\], .*# process\.args </,
    );
    box.tsoci('delete', '--force', running);
  });

  test('a trace or a plan that cannot be written is not the fault of a system call', () => {
    box.configure('echo ran');
    const traced = box.tsoci('--trace=/dev/full', 'run', box.id());
    assert.is(traced.stdout, 'ran\n');
    assert.match(traced.stderr, /^tsoci: warning: the trace ends here: write to .*: ENOSPC .*\n$/);
    assert.is(traced.status, 0);
    const full = openSync('/dev/full', 'w');
    try {
      const stdio = ['ignore', full, 'pipe'] as const;
      const planned = spawnSync(tsociPath, ['plan', box.bundle], {
        encoding: 'utf8',
        timeout: TIMEOUT,
        stdio: [...stdio],
      });
      assert.is(planned.status, 1);
      assert.match(planned.stderr, /^tsoci: write to standard output: ENOSPC/);
    } finally {
      closeSync(full);
    }
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
  assert.match(stderr, /config\.json:1:\d+: .*ociVersion/);
  assert.match(box.tsoci('plan', '--bundle', '.', '.').stderr, /given twice/);
});

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
