// What a caller, its engine and a container can tell of tsoci is the same whether a server serves it or not: each case is
// done once by a runtime of its own and once by the server, and all that came of it is compared.

import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, eventually, TIMEOUT } from '../container/harness.ts';
import { enterPrivateRun, isGone, ServedSandbox } from './server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('launcher: parity');
const box = new ServedSandbox();
/** What hooks and containers write, and engines read. */
const places = Object.fromEntries(['log', 'pid', 'hook'].map((name) => [name, join(box.directory, name)]));
const { log = '', pid: pidFile = '', hook: hookFile = '' } = places;

/** What a process has of its caller: fields of proc_pid_status(5), limits, scheduling, cgroup, descriptors. */
const looks = `
  grep -E '^(Umask|Groups|NoNewPrivs|Seccomp|Cap|Sig(Blk|Ign)|Cpus_allowed|Uid|Gid)' /proc/self/status
  cat /proc/self/limits /proc/self/oom_score_adj /proc/self/cgroup
  cut -d' ' -f 18,19,41 /proc/self/stat
  ls -l /proc/self/fd | grep -o ' [0-9]* -> .*' | grep -v /proc/ | sed 's/:.*//'
  readlink /proc/self/ns/*
  env | sort
  pwd
  exit 3`;

interface Case {
  what: string;
  /** Words before the command: they give the caller what it has. A shell has it executed by "$@". */
  caller?: string;
  args: (id: string) => string[];
  script?: string;
  change?: Change;
}

const hooked: Change = (config) => {
  const path = '/bin/sh';
  const script = `${looks.replace('exit 3', '')} >>${hookFile}; cat >/dev/null`;
  const hook = { path, args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] };
  config.hooks = { createRuntime: [hook], poststop: [hook] };
};

const run = (id: string) => ['run', id];
const cases: Case[] = [
  { what: 'the version', args: () => ['--version'] },
  { what: 'help', args: () => ['exec', '--help'] },
  { what: 'an unknown command', args: () => ['nosuch'] },
  { what: 'the features', args: () => ['features'] },
  { what: 'a container that does not exist', args: (id) => ['state', id] },
  { what: 'an error with a log file', args: (id) => ['--log', log, '--log-format', 'json', 'start', id] },
  {
    what: 'a config that is wrong',
    args: run,
    change: ({ process }) => Object.assign(process, { cwd: 'x' }),
  },
  { what: 'what the process has', args: run },
  { what: 'what hooks have', args: run, change: hooked },
  { what: 'a pid file', args: (id) => ['run', '--pid-file', pidFile, id], script: 'exit 7' },
  { what: 'an umask', caller: 'umask 0027; exec "$@"', args: run },
  { what: 'limits', caller: 'ulimit -Sn 333; ulimit -Sc 0; ulimit -Su 5555; exec "$@"', args: run },
  { what: 'niceness', caller: 'exec nice -n 7 "$@"', args: run },
  { what: 'a scheduler', caller: 'exec chrt --batch 0 "$@"', args: run },
  { what: 'processors', caller: 'exec taskset -c 0 "$@"', args: run },
  { what: 'oom_score_adj', caller: 'echo 123 >/proc/self/oom_score_adj; exec "$@"', args: run },
  { what: 'signals that are ignored', caller: 'trap \'\' HUP INT USR1; exec "$@"', args: run },
  { what: 'a directory', caller: 'mkdir -p /tmp/parity; cd /tmp/parity; exec "$@"', args: run },
  { what: 'a directory that is gone', caller: 'cd "$(mktemp -d)"; rmdir "$PWD"; exec "$@"', args: run },
  { what: 'no environment', caller: 'exec env -i "$@"', args: run },
  {
    what: 'preserved descriptors',
    caller: 'exec "$@" 3</etc/passwd 4</etc/group 5</etc/hosts',
    args: (id) => ['run', '--preserve-fds', '2', id],
  },
  {
    what: 'sockets of a service manager',
    caller:
      'exec env LISTEN_FDS=2 LISTEN_FDNAMES=a:b sh -c \'LISTEN_PID=$$ exec "$@"\' sh "$@" 3</etc/passwd 4</etc/group',
    args: run,
  },
  { what: 'closed standard streams', caller: 'exec "$@" <&- 2>&-', args: run },
  {
    what: 'a program that is not there',
    args: run,
    change: ({ process }) => Object.assign(process, { args: ['/no'] }),
  },
  { what: 'an end by a signal', args: run, script: 'kill -KILL $$' },
  { what: 'a full device', caller: 'exec "$@" >/dev/full', args: () => ['features'] },
];

/** The answer, and what was written. Numbers that differ from one container to the next are left out. */
function outcome({ caller = 'exec "$@"', args, script = looks, change }: Case) {
  for (const file of [log, pidFile, hookFile]) rmSync(file, { force: true });
  box.configure(script, change);
  const id = box.id();
  const words = [box.launcher, '--root', box.root, ...args(id)];
  const bundled = words.includes('run') ? words.toSpliced(-1, 0, '--bundle', box.bundle) : words;
  const { status, stdout, stderr }: SpawnSyncReturns<string> = spawnSync(
    'sh',
    ['-c', caller, 'sh', ...bundled],
    {
      cwd: box.bundle,
      encoding: 'utf8',
      timeout: TIMEOUT,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const written = [log, hookFile].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''));
  const general = (text: string) =>
    text
      .replaceAll(id, 'ID')
      .replace(/\d\d\d\d-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replace(/\[\d+\]/g, '[N]')
      .replace(/(PID=)\d+/g, '$1N');
  const pids = existsSync(pidFile) ? [/^\d+$/.test(readFileSync(pidFile, 'utf8'))] : [];
  return { status, stdout: general(stdout), stderr: general(stderr), written: written.map(general), pids };
}

const cold = cases.map(outcome);
test.before(() => box.serve(2));

cases.forEach((one, i) => {
  test(one.what, () => {
    const { served } = box.status();
    assert.equal(outcome(one), cold[i]);
    assert.is(box.status().served, served + 1);
  });
});

/** Of `run`, which a signal ends, or its container. */
function interrupted(signal: NodeJS.Signals, script: string, started: (id: string) => boolean) {
  const id = box.id();
  box.configure(script);
  const output = join(box.directory, 'output');
  const words = ['--root', box.root, 'run', '--bundle', box.bundle, id];
  const child = spawn('sh', ['-c', 'exec "$@" >"$0" 2>&1', output, box.launcher, ...words], {
    stdio: 'ignore',
  });
  eventually('it has begun', () => started(id));
  child.kill(signal);
  const pid = child.pid ?? 0;
  eventually('it has ended', () => isGone(pid));
  return { id, pid, output: () => readFileSync(output, 'utf8').replaceAll(id, 'ID') };
}

const signals: [what: string, signal: NodeJS.Signals, script: string][] = [
  [
    'SIGINT that the process takes',
    'SIGINT',
    "trap 'echo got; exit 5' INT; touch /up; while :; do sleep 0.05; done",
  ],
  [
    'SIGTERM that it takes',
    'SIGTERM',
    "trap 'echo got; exit 5' TERM; touch /up; while :; do sleep 0.05; done",
  ],
];
for (const [what, signal, script] of signals)
  test(what, () => {
    const up = join(box.rootfs, 'up');
    const once = () => {
      rmSync(up, { force: true });
      const { output } = interrupted(signal, script, () => existsSync(up));
      return output();
    };
    const served = once();
    assert.is(served, 'got\n');
    box.stop();
    assert.is(once(), served);
    box.serve(2);
  });

test('a reader that takes nothing: the worker is free once the caller is killed', () => {
  const fifo = join(box.directory, 'fifo');
  spawnSync('mkfifo', [fifo]);
  // Holds the other end open and reads nothing: the pipe is full after 64 KiB.
  const reader = spawn('sh', ['-c', 'exec sleep 1000 <>"$0"', fifo], { stdio: 'ignore' });
  const script = 'for i in $(seq 70); do "$0" features || exit 1; done >"$1"';
  const writer = spawn('sh', ['-c', script, box.launcher, fifo], { stdio: 'ignore', detached: true });
  const busy = () =>
    box.status().workers.some(({ state, command }) => state === 'busy' && command === 'features');
  eventually('it waits', () => {
    const before = box.status().served;
    return busy() && busy() && box.status().served === before;
  });
  process.kill(-(writer.pid ?? 0), 'SIGKILL');
  eventually('the workers are free', () => box.status().workers.every(({ state }) => state === 'idle'));
  reader.kill('SIGKILL');
});

test('nothing is left behind', () => {
  box.stop();
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
