// As an ordinary user, without root anywhere: a second, real user of this machine (created if it is missing).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXEC_FAILED, eventually } from '../container/harness.ts';
import { onTerminal } from '../container/pseudoterminal.ts';
import { compare } from '../plan/compare.ts';
import { ensureUser, RootlessSandbox, USER } from './second-user.ts';

const test = suite('rootless');
const uid = ensureUser();

if (uid === undefined) console.log('skipped: only root can act as a second user');
else defineTests(uid);
test.run();

/** The first subordinate id of a user (subuid(5)). */
function subordinate(file: string): number | undefined {
  const line = existsSync(file) && new RegExp(`^${USER}:(\\d+):`, 'm').exec(readFileSync(file, 'utf8'));
  return line ? Number(line[1]) : undefined;
}

function defineTests(user: number): void {
  const box = new RootlessSandbox(user);
  const { runtimeDirectory } = box;
  const tsoci = (...args: string[]) => box.tsoci(...args);
  const detached = (...args: string[]) => box.detached(...args);
  const configure: RootlessSandbox['configure'] = (script, change) => box.configure(script, change);

  test('run of the demo bundle: no warning', () => {
    configure('id -u; echo $0');
    const { status, stdout, stderr } = tsoci('run', box.id());
    assert.is(stderr, '');
    assert.is(status, 0);
    assert.is(stdout, '0\nsh\n');
  });

  test('create, start, exec, kill, delete; the state is under XDG_RUNTIME_DIR', () => {
    const id = box.id();
    configure('sleep 1000');
    assert.is(detached('create', id), 0);
    assert.equal(readdirSync(join(runtimeDirectory, 'tsoci')), [id]);
    assert.is(tsoci('start', id).status, 0);
    const { status, stdout, stderr } = tsoci('exec', id, 'sh', '-c', 'id -u; cat /proc/self/uid_map');
    assert.is(stderr, '');
    assert.is(status, 0);
    assert.match(stdout, new RegExp(`^0\n\\s+0\\s+${user}\\s+1\n$`));
    assert.is(tsoci('kill', id, 'KILL').status, 0);
    eventually('stopped', () => JSON.parse(tsoci('state', id).stdout).status === 'stopped');
    assert.is(tsoci('delete', id).status, 0);
    assert.equal(readdirSync(join(runtimeDirectory, 'tsoci')), []);
  });

  test('the devices are those of the host', () => {
    configure('echo lost > /dev/null; stat -c "%F %t:%T" /dev/null /dev/zero; stat -c %u /dev/shm');
    const { status, stdout, stderr } = tsoci('run', box.id());
    assert.is(status, 0, stderr);
    assert.is(stdout, 'character special file 1:3\ncharacter special file 1:5\n0\n');
  });

  test('a time namespace with its offsets', () => {
    const id = box.id();
    configure('cat /proc/self/timens_offsets; cat /proc/uptime', ({ linux }) => {
      linux.namespaces?.push({ type: 'time' });
      linux.timeOffsets = { boottime: { secs: 1_000_000, nanosecs: 5 } };
    });
    const { status, stdout, stderr } = tsoci('run', id);
    assert.is(status, 0, stderr);
    assert.match(stdout, /^boottime +1000000 +5$/m);
    const uptime = Number(/^(\d+)\.\d+ [\d.]+$/m.exec(stdout)?.[1]);
    assert.ok(uptime >= 1_000_000, stdout);
  });

  test('a terminal', () => {
    configure('tty; test -c /dev/console && echo console', (config) => {
      config.process.terminal = true;
    });
    const { status, stdout, stderr } = onTerminal(box, () => tsoci('run', box.id()));
    assert.is(status, 0, stderr);
    assert.is(stdout, '/dev/pts/0\nconsole\n');
  });

  test('many mappings, by newuidmap and newgidmap', () => {
    const [firstUid, firstGid] = [subordinate('/etc/subuid'), subordinate('/etc/subgid')];
    if (firstUid === undefined || firstGid === undefined || !existsSync('/usr/bin/newuidmap')) {
      console.log(`skipped: needs newuidmap, and ${USER} in /etc/subuid and /etc/subgid`);
      return;
    }
    const id = box.id();
    configure('id; sleep 1000', (config) => {
      const own = { containerID: 0, hostID: user, size: 1 };
      config.linux = {
        ...config.linux,
        uidMappings: [own, { containerID: 1, hostID: firstUid, size: 65_536 }],
        gidMappings: [own, { containerID: 1, hostID: firstGid, size: 65_536 }],
      };
      config.process = { ...config.process, user: { uid: 1000, gid: 1000, additionalGids: [5] } };
    });
    assert.is(detached('run', '--detach', id), 0);
    const { pid } = JSON.parse(tsoci('state', id).stdout);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, new RegExp(`Uid:\t${firstUid + 999}\t`));
    assert.match(status, new RegExp(`Groups:\t${firstGid + 4} `));
    const exec = tsoci('exec', '--user', '7:8', id, 'sh', '-c', 'id -u; id -g');
    assert.is(exec.stdout, '7\n8\n', exec.stderr);
    assert.is(tsoci('delete', '--force', id).status, 0);
  });

  test('a plan is what a run does, call by call', () => {
    const trace = join(runtimeDirectory, 'trace');
    const lines = compare(box, ({ linux }) => linux.namespaces?.push({ type: 'time' }), {}, trace);
    assert.ok(lines.some((line) => line.includes('unshare(CLONE_NEWUSER)')));
  });

  // Seen without the check: the failure of a hook that had nowhere to write.
  test('--network is for root, and nothing is begun', () => {
    configure('true');
    for (const command of [
      ['run', '--network', 'masquerade', box.id()],
      ['plan', '--network', 'masquerade'],
    ]) {
      const { status, stdout, stderr } = tsoci(...command);
      assert.is(status, 1);
      assert.is(stdout, '');
      assert.is(stderr, "tsoci: --network needs root: the bridge is the host's\n");
    }
  });

  // Seen with oom_score_adj set when the process has come in: EACCES.
  test('exec: what is set from outside is set of a process that is closed to its user, too', () => {
    const id = box.id();
    configure('sleep 1000', ({ process }) => {
      process.oomScoreAdj = 500;
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
      process.scheduler = { policy: 'SCHED_BATCH', nice: 19 }; // an ordinary user's may grow, and that of the tests is any
      process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 5 };
    });
    assert.is(detached('run', '--detach', id), 0);
    const look = 'cat /proc/self/oom_score_adj; ulimit -n; cat /proc/self/stat';
    const { stdout, stderr } = tsoci('exec', id, 'sh', '-c', look);
    assert.is(stderr, '');
    const [score, files, stat = ''] = stdout.split('\n');
    // proc_pid_stat(5): nice is field 19, policy 41 (SCHED_BATCH is 3).
    const fields = stat.split(') ')[1]?.split(' ') ?? [];
    assert.equal([score, files, fields[19 - 3], fields[41 - 3]], ['500', '100', '19', '3']);
    for (const [option, value, message] of [
      ['--user', '5', /user 5 is not in linux\.uidMappings; for --user$/m],
      ['--user', '0:5', /group 5 is not in linux\.gidMappings; for --user$/m],
      ['--additional-gids', '5', /group 5 is not in linux\.gidMappings; for --additional-gids$/m],
    ] as const) {
      const refused = tsoci('exec', option, value, id, 'true');
      assert.match(refused.stderr, message);
      assert.is(refused.status, EXEC_FAILED);
    }
    assert.is(tsoci('delete', '--force', id).status, 0);
  });

  // Seen without `hide`: init was the user's while hooks ran.
  test('who is in a user namespace that is joined cannot reach into init while it has the files of the host', () => {
    const [first, second] = [box.id(), box.id()];
    configure('sleep 1000');
    assert.is(detached('run', '--detach', first), 0);
    const { pid } = JSON.parse(tsoci('state', first).stdout);
    const seen = join(runtimeDirectory, 'seen');
    configure('sleep 1000', (config) => {
      const { linux } = config;
      linux.namespaces = (linux.namespaces ?? []).map((namespace) =>
        namespace.type === 'user' ? { ...namespace, path: `/proc/${pid}/ns/user` } : namespace,
      );
      delete linux.uidMappings;
      delete linux.gidMappings;
      const look = `stat -c %u /proc/$(grep -o '"pid":[0-9]*' | cut -d: -f2)/status >${seen}`;
      config.hooks = {
        createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', look], env: ['PATH=/bin:/usr/bin'] }],
      };
    });
    assert.is(detached('create', second), 0);
    assert.is(readFileSync(seen, 'utf8'), '0\n', 'the owner of files in /proc/PID of an undumpable process');
    assert.is(tsoci('exec', second, 'echo', 'in').stdout, 'in\n', 'a waiting init has left the host');
    assert.is(tsoci('start', second).status, 0);
    assert.is(tsoci('exec', second, 'echo', 'in').stdout, 'in\n');
    for (const id of [second, first]) assert.is(tsoci('delete', '--force', id).status, 0);
  });

  test('what the kernel refuses is said: mappings that are not the user’s', () => {
    configure('true', (config) => {
      config.linux = { ...config.linux, uidMappings: [{ containerID: 0, hostID: 0, size: 2 }] };
    });
    const { status, stderr } = tsoci('run', box.id());
    assert.is(status, 1);
    assert.match(stderr, /newuidmap/);
  });

  const refusals: Record<string, [Parameters<typeof configure>[1], RegExp]> = {
    'a better scheduler': [
      ({ process }) => {
        process.scheduler = { policy: 'SCHED_FIFO', priority: 1 };
      },
      /set scheduler SCHED_FIFO: EPERM .*; better than ordinary takes CAP_SYS_NICE on the host/,
    ],
    'a better I/O priority': [
      ({ process }) => {
        process.ioPriority = { class: 'IOPRIO_CLASS_RT', priority: 0 };
      },
      /set I\/O priority IOPRIO_CLASS_RT 0: EPERM .*; the realtime class takes CAP_SYS_NICE on the host/,
    ],
    'a filesystem of a device': [
      ({ mounts }) => mounts?.push({ destination: '/tmp', type: 'ext4', source: '/dev/vda' }),
      /mount ext4 on \/tmp: EPERM .*; in a user namespace nobody may mount ext4: bind one/,
    ],
    'ids of what the host has mounted': [
      ({ mounts }) => mounts?.push({ destination: '/tmp', source: '/etc', options: ['bind', 'idmap'] }),
      /map ids: bind \/etc on \/tmp: EPERM .*; that takes the rights of root where the filesystem \(.+\) was/,
    ],
  };
  for (const [what, [change, message]] of Object.entries(refusals))
    test(`what the kernel refuses is said: ${what}`, () => {
      configure('true', change);
      const { status, stderr } = tsoci('run', box.id());
      assert.is(status, 1);
      assert.match(stderr, message);
    });

  test('nothing is left behind', () => {
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}
