// What tsoci does with the cgroups of its containers beyond setting limits, in a machine with pure cgroup v2.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cgroupTree,
  command,
  commandLine,
  eventually,
  makeBundle,
  withContainer,
} from '../../cgroups/guest.ts';
import { patience } from '../../patience.ts';

const MIB = 1 << 20;
const SLEEP = 'exec sleep 1000';

const before = cgroupTree();

function tsoci(args: string[], input?: string): string {
  const { status, output } = command('tsoci', args, input);
  assert.is(status, 0, `${args.join(' ')}: ${output}`);
  return output;
}

/** The exit status of a command that runs beside the test. */
function run(args: string[]): Promise<number | null> {
  const [executable, line] = commandLine('tsoci', args);
  const child = spawn(executable, line, { stdio: 'ignore', timeout: patience(60_000) });
  return new Promise((resolve) => child.once('exit', resolve));
}

test('a memory limit of 1 MiB still starts a process', () => {
  const bundle = makeBundle({ resources: { memory: { limit: MIB } }, script: 'exec true' });
  tsoci(['run', '--bundle', bundle, 'small']);
  rmSync(bundle, { recursive: true });
});

test('run and exec say that the OOM killer has ended a process', () => {
  const resources = { memory: { limit: 32 * MIB, swap: 32 * MIB } };
  const greedy = 'dd if=/zero of=/zero bs=100M count=1';
  const bundle = makeBundle({ resources, script: `mknod /zero c 1 5; exec ${greedy}` });
  const run = command('tsoci', ['run', '--bundle', bundle, 'greedy']);
  rmSync(bundle, { recursive: true });
  assert.is(run.status, 137);
  assert.match(run.output, /process \d+ was killed by the OOM killer \(memory\.events: oom_kill 1\)/);
  return withContainer('tsoci', { resources, script: `mknod /zero c 1 5; ${SLEEP}` }, ({ id }) => {
    const exec = command('tsoci', ['exec', id, ...greedy.split(' ')]);
    assert.is(exec.status, 137);
    assert.match(exec.output, /was killed by the OOM killer/);
    assert.equal(command('tsoci', ['exec', id, 'true']), { status: 0, output: '' });
  });
});

test('update, pause, resume, exec, statistics, and an event of an out-of-memory kill', () => {
  const resources = {
    memory: { limit: 64 * MIB, swap: 96 * MIB },
    cpu: { quota: 50_000, period: 100_000, burst: 10_000 },
  };
  const script = `while [ ! -e /go ]; do sleep 1; done; dd if=/zero of=/zero bs=100M count=1; ${SLEEP}`;
  return withContainer(
    'tsoci',
    { resources, script: `mknod /zero c 1 5; ${script}` },
    async ({ id, file, bundle }) => {
      tsoci(['update', '--memory', '80m', '--cpu-quota', '80000', '--cpu-burst', '5000', id]);
      const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.max.burst'];
      assert.equal(files.map(file), [String(80 * MIB), String(16 * MIB), '80000 100000', '5000']);
      const wrong = '{"memory":{"limit":73400320},"cpu":{"cpus":"64"}}';
      const refused = command('tsoci', ['update', '--resources', '-', id], wrong);
      assert.match(refused.output, /linux\.resources\.cpu\.cpus/);
      assert.is(file('memory.max'), String(80 * MIB));

      tsoci(['pause', id]);
      assert.match(file('cgroup.events'), 'frozen 1');
      assert.is(JSON.parse(tsoci(['state', id])).status, 'paused');
      const entered = command('tsoci', ['exec', id, 'true']);
      assert.is.not(entered.status, 0);
      assert.match(entered.output, /paused/);
      // It is frozen as it comes in, and goes on with the others.
      const processes = () => file('cgroup.procs').split('\n').length;
      const paused = processes();
      const ignoring = run(['exec', '--ignore-paused', '--detach', id, 'sleep', '1001']);
      await eventually('it is in', () => processes() > paused);
      // As long as it is frozen nothing forks.
      const pids = file('cgroup.procs').split('\n').map(Number).sort();
      assert.equal((JSON.parse(tsoci(['ps', '--format', 'json', id])) as number[]).sort(), pids);
      tsoci(['resume', id]);
      assert.is(await ignoring, 0);
      assert.match(file('cgroup.events'), 'frozen 0');
      assert.match(tsoci(['exec', id, 'cat', '/proc/self/cgroup']), /^0::\/tsoci\/guest-tsoci$/m);

      const [executable, args] = commandLine('tsoci', ['events', '--interval', '1s', id]);
      const events = spawn(executable, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = new Promise((resolve) => events.once('exit', resolve));
      let output = '';
      events.stdout.on('data', (text) => {
        output += text;
      });
      await eventually('statistics come', () => output.includes('\n'));
      const { data } = JSON.parse(output.split('\n')[0] ?? '');
      assert.is(data.memory.usage.limit, 80 * MIB);
      assert.ok(data.memory.raw.anon > 0);
      assert.ok(data.pids.current > 0);
      assert.equal(Object.keys(data.cpu.psi), ['some', 'full']);
      writeFileSync(join(bundle, 'rootfs/go'), '');
      await eventually('an event of type oom', () => output.includes(`{"type":"oom","id":"${id}"}`));
      tsoci(['kill', id, 'KILL']);
      assert.is(await ended, 0);
    },
  );
});

test('a container that manages its own cgroup, in a user namespace', () => {
  const script = [
    'cd /sys/fs/cgroup; mkdir sub; echo $$ > sub/cgroup.procs',
    'echo +pids +memory > cgroup.subtree_control; echo 5 > sub/pids.max',
    'cat /proc/self/cgroup sub/pids.max',
    '(echo 1 > pids.max) || echo limit refused',
    SLEEP,
  ].join('; ');
  const types = ['pid', 'mount', 'cgroup', 'user'];
  const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const linux = { namespaces: types.map((type) => ({ type })), uidMappings: mapping, gidMappings: mapping };
  const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] }];
  const spec = { resources: { pids: { limit: 50 } }, script: `{ ${script}; } > /dev/out`, linux, mounts };
  return withContainer('tsoci', spec, async ({ id, pid }) => {
    assert.is(statSync(`/sys/fs/cgroup/tsoci/${id}`).uid, 100_000);
    assert.is(statSync(`/sys/fs/cgroup/tsoci/${id}/pids.max`).uid, 0);
    const file = `/proc/${pid}/root/dev/out`;
    const out = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await eventually('it is done', () => out().includes('refused'));
    assert.is(out(), '0::/sub\n5\nlimit refused\n');
    assert.is(tsoci(['exec', id, 'cat', '/proc/self/cgroup']), '0::/sub\n');
  });
});

test('exec into a container with a cgroup namespace, which nsdelegate guards', () => {
  const linux = { namespaces: ['pid', 'mount', 'cgroup'].map((type) => ({ type })) };
  return withContainer('tsoci', { script: SLEEP, linux }, ({ id, file }) => {
    assert.match(readFileSync('/proc/self/mountinfo', 'utf8'), /cgroup2 \S+ \S*nsdelegate/);
    assert.is(tsoci(['exec', id, 'cat', '/proc/self/cgroup']), '0::/\n');
    tsoci(['exec', '--detach', id, 'sleep', '1002']);
    assert.is(file('cgroup.procs').split('\n').length, 2);
  });
});

test('kill --all reaches the processes of every cgroup below', () => {
  const script = `mkdir /sys/fs/cgroup/a; (echo 0 > /sys/fs/cgroup/a/cgroup.procs; ${SLEEP}) & trap '' TERM; while :; do sleep 1; done`;
  const linux = { namespaces: ['pid', 'mount', 'cgroup'].map((type) => ({ type })) };
  const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] }];
  return withContainer('tsoci', { script, linux, mounts }, async ({ id, file }) => {
    await eventually(
      'the child is in its cgroup',
      () => existsSync(below(id)) && file('a/cgroup.procs') !== '',
    );
    tsoci(['kill', '--all', id, 'TERM']);
    await eventually('TERM ends the child', () => file('a/cgroup.procs') === '');
    assert.match(file('cgroup.events'), 'populated 1');
    tsoci(['kill', '--all', id, 'KILL']);
    await eventually('KILL ends the rest', () => file('cgroup.events').includes('populated 0'));
  });
});

const below = (id: string) => `/sys/fs/cgroup/tsoci/${id}/a`;

test('the bundle `limits` shows its limits', () => {
  const { status, stdout, stderr } = spawnSync('node', ['scripts/bundle.ts', 'limits'], {
    encoding: 'utf8',
    timeout: patience(60_000),
  });
  assert.is(status, 0, stderr);
  const lines = ['memory.max 67108864', 'memory.swap.max max', 'cpu.max 50000 100000', 'pids.max 20'];
  assert.equal(stdout.trim().split('\n'), lines);
});

test('a container that cannot be made leaves nothing behind', () => {
  const bundle = makeBundle({ resources: { cpu: { cpus: '9' } }, script: SLEEP });
  const { status, output } = command('tsoci', ['create', '--bundle', bundle, 'wrong']);
  rmSync(bundle, { recursive: true });
  assert.is(status, 1, output);
  assert.match(output, /linux\.resources\.cpu\.cpus/);
  assert.equal(cgroupTree(), before);
});

test.run();
