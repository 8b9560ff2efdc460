// User namespaces as no engine makes them, and what the kernel refuses of id-mapped mounts, said so that it helps.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hold } from '../namespaces/cells.ts';
import { type Change, eventually, mapUsers, Sandbox, TIMEOUT, tsociPath, userNamespace } from './harness.ts';

const test = suite('user namespaces');
const box = new Sandbox();

function refused(change: Change): string {
  box.configure('true', change);
  const { status, stderr } = box.tsoci('run', box.id());
  assert.is(status, 1, stderr);
  assert.is(stderr.trim().split('\n').length, 1, stderr);
  return stderr;
}

// Seen before: create directory /dev/pts in the root filesystem: EOVERFLOW.
test('one that does not map 0', () => {
  const output = box.run('id -u; id -G; : >/dev/shm/x; stat -c %u:%g /dev/shm', (config) => {
    userNamespace(config);
    for (const mapping of [...(config.linux.uidMappings ?? []), ...(config.linux.gidMappings ?? [])])
      mapping.containerID = 1000;
    config.process.user = { uid: 1001, gid: 1002, additionalGids: [1003] };
    for (const mount of config.mounts ?? [])
      mount.options = mount.options?.filter((option) => option !== 'gid=5') ?? [];
  });
  assert.is(output, '1001\n1002 1003\n1000:1000\n');
});

test('more mappings than fit into what the kernel takes', () => {
  const message = refused((config) => {
    userNamespace(config);
    const one = (_: unknown, i: number) => ({ containerID: i, hostID: 100_000 + 2 * i, size: 1 });
    config.linux.uidMappings = Array.from({ length: 340 }, one);
  });
  assert.match(message, /uid_map: EINVAL .*; the kernel takes less than a page, and not \d+ bytes/);
  assert.ok(message.length < 500, message);
});

test('an option with a group that is not mapped', () => {
  const message = refused((config) => {
    userNamespace(config);
    for (const mapping of config.linux.gidMappings ?? []) mapping.size = 1;
  });
  assert.match(message, /option gid=5: EINVAL .*; is it an id of the user namespace\?/);
});

// Seen before: open / in the root filesystem: EBADF, which was the next error after this one.
test('a mount namespace that has no such root filesystem', () => {
  const id = box.id();
  box.configure('sleep 1000', userNamespace);
  assert.is(box.detached('run', '--detach', id), 0);
  const { pid } = box.state(id);
  const message = refused((config) => {
    config.linux.namespaces = ['user', 'mount'].map((type) => ({
      type: type as 'user' | 'mount',
      path: `/proc/${pid}/ns/${type === 'mount' ? 'mnt' : type}`,
    }));
    delete config.hostname;
    config.mounts = [];
  });
  assert.match(message, /open the root filesystem .*: ENOENT/);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('a root filesystem of another user: what to do', () => {
  const missing = refused((config) => {
    userNamespace(config);
    config.mounts?.push({ destination: '/new/one', type: 'tmpfs' });
  });
  assert.match(missing, /create directory \/new in .*: EACCES .*; the container's user may not write there/);
  chmodSync(box.rootfs, 0o700);
  const closed = refused(userNamespace);
  chmodSync(box.rootfs, 0o755);
  assert.match(closed, /mount proc on \/proc: EACCES .*; the container's user must be allowed to search/);
});

/** The container manages its cgroup (config-linux.md#cgroup-ownership), as dockerd --userns-remap has it. */
const delegated: Change = ({ mounts }) => {
  for (const mount of mounts ?? [])
    if (mount.type === 'cgroup') mount.options = mount.options?.filter((option) => option !== 'ro') ?? [];
};
const makeCgroups = 'mkdir /sys/fs/cgroup/a /sys/fs/cgroup/b';

// Seen before: start a process in the container: EACCES.
test('exec in a cgroup that was delegated, and below it', () => {
  const id = box.id();
  box.configure(`${makeCgroups}; sleep 1000`, (config) => {
    userNamespace(config);
    delegated(config);
  });
  assert.is(box.detached('run', '--detach', id), 0);
  eventually('its cgroups', () => box.tsoci('exec', id, 'test', '-e', '/sys/fs/cgroup/b').status === 0);
  const look = ['grep', '-o', '0::.*', '/proc/self/cgroup'];
  const uid = box.tsoci('exec', id, 'id', '-u');
  assert.equal([uid.stdout, uid.stderr], ['0\n', '']);
  assert.is(box.tsoci('exec', id, ...look).stdout, '0::/\n');
  assert.is(box.tsoci('exec', '--cgroup', '/b', id, ...look).stdout, '0::/b\n');
  assert.is(box.tsoci('exec', '--user', '1:1', '--cgroup', '/a', id, ...look).stdout, '0::/a\n');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('a user namespace that is joined, with a delegated cgroup', () => {
  const holder = box.id();
  box.configure('sleep 1000', userNamespace);
  assert.is(box.detached('run', '--detach', holder), 0);
  const { pid } = box.state(holder);
  const id = box.id();
  box.configure('sleep 1000', (config) => {
    config.linux.namespaces?.push({ type: 'user', path: `/proc/${pid}/ns/user` });
    mapUsers(config);
    delegated(config);
  });
  assert.is(box.detached('run', '--detach', id), 0);
  const { stdout, stderr } = box.tsoci('exec', id, 'grep', '-o', '0::.*', '/proc/self/cgroup');
  assert.equal([stdout, stderr], ['0::/\n', '']);
  for (const each of [id, holder]) assert.is(box.tsoci('delete', '--force', each).status, 0);
});

const mappings = {
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
};
type Mount = NonNullable<Parameters<Change>[0]['mounts']>[number];
const mount =
  (mount: Omit<Mount, 'destination'>): Change =>
  ({ mounts }) =>
    mounts?.push({ destination: '/mnt', ...mount, ...mappings });

const refusals: [string, RegExp, ...Change[]][] = [
  [
    'a new filesystem',
    /map ids: mount proc on \/mnt: EINVAL .*; proc does not allow it/,
    mount({ type: 'proc', options: ['idmap'] }),
  ],
  [
    'a bind mount',
    /map ids: bind \/proc on \/mnt: EINVAL .*; proc does not allow it/,
    mount({ source: '/proc', options: ['bind', 'idmap'] }),
  ],
  [
    'a tree',
    /map ids: bind \/sys on \/mnt: EINVAL .*; one of sysfs, .* does not allow it/,
    mount({ source: '/sys', options: ['rbind', 'ridmap'] }),
  ],
  [
    'a bind mount that is opened before a user namespace',
    /map ids: bind \/proc on \/mnt: EINVAL .*; proc does not allow it/,
    userNamespace,
    mount({ source: '/proc', options: ['bind', 'idmap'] }),
  ],
  [
    'a new filesystem in a user namespace',
    /map ids: mount tmpfs on \/mnt: EPERM .*; a tmpfs that the container's user namespace mounts has/,
    userNamespace,
    mount({ type: 'tmpfs', options: ['idmap'] }),
  ],
];
for (const [what, message, ...changes] of refusals)
  test(`id-mapped, and not allowed: ${what}`, () => {
    const told = refused((config) => {
      for (const change of changes) change(config);
    });
    assert.match(told, message);
  });

test('empty lists of mappings are none: those of the container', () => {
  const output = box.run('stat -c %u:%g /mnt', (config) => {
    userNamespace(config);
    const none = { uidMappings: [], gidMappings: [] };
    config.mounts?.push({ destination: '/mnt', source: '/etc', options: ['bind', 'idmap'], ...none });
  });
  assert.is(output, '0:0\n');
});

test('more bind mounts than there are descriptors, from where only root of the host may look', () => {
  const closed = join(box.directory, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const many = Array.from({ length: 400 }, (_, i) => i);
  for (const i of many) writeFileSync(join(closed, String(i)), `${i}\n`);
  box.configure(
    'cd /tmp; cat 0 63 64 399; stat -c %u:%g 0 399; grep -c " /tmp/" /proc/self/mounts',
    (config) => {
      userNamespace(config);
      config.mounts?.push({ destination: '/tmp', type: 'tmpfs' });
      for (const i of many) {
        const options = ['bind', 'ro', ...(i === 399 ? ['idmap'] : [])];
        config.mounts?.push({ destination: `/tmp/${i}`, source: join(closed, String(i)), options });
      }
    },
  );
  const run = ['ulimit -n 256; exec "$@"', 'sh', tsociPath, '--root', box.root, 'run', box.id()];
  const { stdout, stderr } = spawnSync('sh', ['-c', ...run], {
    cwd: box.bundle,
    encoding: 'utf8',
    timeout: TIMEOUT,
  });
  assert.is(stdout, '0\n63\n64\n399\n65534:65534\n0:0\n400\n', stderr);
});

test('parameters of a user namespace, and a domain name that is said twice', () => {
  const output = box.run(
    'cat /proc/sys/user/max_pid_namespaces; cat /proc/sys/kernel/domainname',
    (config) => {
      userNamespace(config);
      config.domainname = 'example.org';
      config.linux.sysctl = { 'user.max_pid_namespaces': '77', 'kernel.domainname': 'example.org' };
    },
  );
  assert.is(output, '77\nexample.org\n');
});

test('idmap alone takes the mappings of a user namespace that is joined', () => {
  const holder = hold(box, 'user');
  try {
    const output = box.run('stat -c %u:%g /mnt /mnt/passwd', (config) => {
      config.linux.namespaces?.push({ type: 'user', path: `/proc/${holder.pid}/ns/user` });
      config.mounts?.push({ destination: '/mnt', source: '/etc', options: ['bind', 'idmap'] });
    });
    assert.is(output, '0:0\n0:0\n');
  } finally {
    holder.end();
  }
});

// systemd's PrivateUsers=full makes such. Seen while uid_map was to tell: ask for the eBPF programs of the cgroup: EPERM.
test('tsoci in a user namespace that maps every id to itself', async () => {
  box.configure('cat /proc/self/uid_map; stat -c %t:%T /dev/null', ({ linux }) => {
    linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
  });
  const run = [tsociPath, '--root', box.root, 'run', box.id()];
  const inside = spawn('unshare', ['--user', '--mount', 'sh', '-c', 'read mapped; exec "$@"', 'sh', ...run], {
    cwd: box.bundle,
    timeout: TIMEOUT,
  });
  const users = (pid: number | 'self' | undefined) => readlinkSync(`/proc/${pid}/ns/user`);
  eventually('its user namespace', () => users(inside.pid) !== users('self'));
  for (const map of ['uid_map', 'gid_map'])
    writeFileSync(`/proc/${inside.pid}/${map}`, `0 0 ${2 ** 32 - 1}\n`);
  inside.stdin.end('\n');
  const told = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    inside[stream].setEncoding('utf8').on('data', (text: string) => {
      told[stream] += text;
    });
  await once(inside, 'close');
  assert.equal(told, { stdout: '         0          0 4294967295\n1:3\n', stderr: '' });
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
