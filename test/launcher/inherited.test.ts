// What a process has of whom it comes from, which no option or property decides: that of a container, that of exec and a hook
// have it of the caller, whether a server serves it or not. The server has all of it otherwise.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LauncherSocket } from '../../src/launcher/launcher-socket.ts';
import {
  KEY_SPEC_SESSION_KEYRING,
  KEYCTL_DESCRIBE,
  KEYCTL_JOIN_SESSION_KEYRING,
  SOCK_SEQPACKET,
} from '../../src/linux/constants.ts';
import { check, closeDescriptor, socketPair } from '../../src/linux/descriptor.ts';
import { cString } from '../../src/linux/ffi.ts';
import { processStat } from '../../src/linux/procfs.ts';
import { stubImages } from '../../src/stub/images.ts';
import { type Change, eventually, TIMEOUT } from '../container/harness.ts';
import { StreamListener } from '../container/stream-listener.ts';
import { enterPrivateRun, isGone, ServedSandbox } from './server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('launcher: inherited');
const box = new ServedSandbox();
const [pidFile = '', hookFile = ''] = ['pid', 'hook'].map((name) => join(box.directory, name));

/** linux/prctl.h: what is read by them. */
const PR_SET_CHILD_SUBREAPER = 36;
const prctls = { dumpable: 3, keepcaps: 7, securebits: 27, timerslack: 30 };
/** personality(2): tells, and changes nothing. */
const TELL = 0xffffffff;

/** A stub is the program: it says of itself what /proc does not. */
const program = join(box.rootfs, 'stub');
writeFileSync(program, Buffer.from(stubImages[process.arch === 'arm64' ? 'arm64' : 'x64'], 'base64'));
chmodSync(program, 0o755);
const CONTROL = 3;

/** A cgroup of the caller's. */
const hierarchy = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => {
  return spawnSync('test', ['-e', join(path, 'cgroup.controllers')]).status === 0;
});
const cgroup = hierarchy === undefined ? undefined : join(hierarchy, `tsoci-inherited-${process.pid}`);
if (cgroup === undefined) console.log('skipped: the cgroup of hooks, since no cgroup v2 is mounted');
else mkdirSync(cgroup);

/** Files of /proc/PID. */
const files = [
  'limits',
  'oom_score_adj',
  'cgroup',
  'coredump_filter',
  'timerslack_ns',
  'personality',
  'loginuid',
  'sessionid',
  'attr/current',
];
const fields =
  /^(Umask|Uid|Gid|Groups|NoNewPrivs|Seccomp|Speculation|Cap|Sig(Blk|Ign)|Cpus_allowed|Mems_allowed).*/gm;

/** What the kernel tells of a process, as far as it is the same each time. `known` are numbers that have a name. */
function look(directory: string, known: Readonly<Record<string, string>>): Record<string, unknown> {
  const text = (file: string) => {
    try {
      return readFileSync(join(directory, file), 'latin1').replaceAll('\0', '');
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  };
  const stat = text('stat')
    .replace(/^.*\) /, '')
    .split(' ');
  // Counted from 3 (proc_pid_stat(5)).
  const numbers = {
    group: 5,
    session: 6,
    terminal: 7,
    priority: 18,
    nice: 19,
    signal: 38,
    realtime: 40,
    policy: 41,
  };
  const named = (value = '') => known[value] ?? value;
  return {
    ...Object.fromEntries(files.map((file) => [file, text(file).replace(/t\d+-\w+-\d+/g, 'ID')])),
    ...Object.fromEntries(Object.entries(numbers).map(([name, at]) => [name, named(stat[at - 3])])),
    status: text('status').match(fields),
  };
}

/** ionice(1) */
function ioPriority(pid: number): string {
  return spawnSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).stdout;
}

interface Caller {
  what: string;
  /** A shell script that executes "$@". */
  script: string;
}

const others = `
  umask 0027; ulimit -Sn 333; ulimit -Sc 0; trap '' HUP INT USR1 PIPE
  echo 123 >/proc/self/oom_score_adj; echo 0x7f >/proc/self/coredump_filter; echo 123456 >/proc/self/timerslack_ns
  ${cgroup === undefined ? '' : `echo $$ >${cgroup}/cgroup.procs`}
  exec nice -n 7 ionice -c 3 taskset -c 0 chrt --batch 0 setarch -R env --block-signal=USR2 "$@"`;
const callers: readonly Caller[] = [
  { what: 'a caller like any', script: 'exec "$@"' },
  { what: 'a caller that has everything otherwise', script: others },
  {
    what: 'a caller with a session, capabilities and securebits of its own',
    script: 'exec setpriv --inh-caps +chown --ambient-caps +chown --securebits +no_setuid_fixup setsid "$@"',
  },
];
/** The server's. */
const server = `
  umask 0077; ulimit -Sn 99; trap '' HUP USR2 QUIT; export LEAK=1
  echo 500 >/proc/self/oom_score_adj; echo 0x1 >/proc/self/coredump_filter; echo 999999 >/proc/self/timerslack_ns
  echo 4711 2>/dev/null >/proc/self/loginuid
  exec nice -n 3 ionice -c 2 -n 7 taskset -c 0 setarch -X env --block-signal=USR1 setsid "$@"`;

const own = look('/proc/self', {});

/** What a command of the caller's has its process be, while it lasts. */
function outcome({ script }: Caller, ...args: string[]): Record<string, unknown> {
  rmSync(pidFile, { force: true });
  const [ours, theirs] = socketPair(SOCK_SEQPACKET);
  const words = [box.launcher, '--root', box.root, ...args];
  const stdio = ['ignore', 'ignore', 'inherit', theirs] as const;
  const child = spawn('sh', ['-c', script, 'sh', ...words], { cwd: box.bundle, stdio: [...stdio] });
  closeDescriptor(theirs);
  try {
    eventually(
      'it is there',
      () => spawnSync('test', ['-s', pidFile]).status === 0 || child.exitCode !== null,
    );
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const inside = inProcess(ours, pid);
    const known = {
      [pid]: 'itself',
      [child.pid ?? 0]: 'the caller',
      [`${own.session}`]: 'ours',
      [`${own.group}`]: 'ours',
    };
    return { ...look(`/proc/${pid}`, known), ...inside, ioPriority: ioPriority(pid) };
  } finally {
    closeDescriptor(ours);
    eventually('it has ended', () => isGone(child.pid ?? 0));
  }
}

/** What the process says of itself. */
function inProcess(socket: number, pid: number): Record<string, unknown> {
  const stub = new LauncherSocket(socket, { pid, control: CONTROL, stdio: [0, 1, 2] });
  const asking = stub.program();
  const keyring = Buffer.alloc(256);
  asking.call(
    'keyctl',
    [KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, keyring, keyring.length],
    'describe the session keyring',
  );
  const personality = asking.call('personality', [TELL], 'tell the personality');
  const asked = Object.entries(prctls).map(([name, number]): [string, number] => [
    name,
    asking.call('prctl', [number, 0, 0, 0, 0], name),
  ]);
  const results = stub.run(asking);
  return {
    ...Object.fromEntries(asked.map(([name, at]) => [name, results.at(at)])),
    personality: results.at(personality),
    keyring: results
      .bytes(keyring)
      .toString('latin1')
      .split('\0')[0]
      ?.replace(/t\d+-\w+-\d+/, 'ID'),
  };
}

/** A hook writes what it has where it can be read as that of a process is. */
const hooked: Change = (config) => {
  config.process.args = ['/stub'];
  const copy = files.map((file) => `cat /proc/self/${file} >${hookFile}/${file} 2>/dev/null`).join('; ');
  const script = `mkdir -p ${hookFile}/attr; ${copy}; cat /proc/self/status >${hookFile}/status; cat /proc/self/stat >${hookFile}/stat
    env | sort >${hookFile}/environ; ionice -p $$ >${hookFile}/io; cat >/dev/null`;
  config.hooks = {
    createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'] }],
  };
};

function hookOutcome(): Record<string, unknown> {
  const { group, session, ...same } = look(hookFile, {});
  const text = (name: string) => readFileSync(join(hookFile, name), 'utf8');
  // Those of a caller that has made a session differ each time.
  const relation = [group, session].map((value) =>
    value === own.session || value === own.group ? 'ours' : 'its own',
  );
  return { ...same, relation, environment: text('environ'), ioPriority: text('io') };
}

const victim = box.id();
function all(caller: Caller) {
  box.configure('', hooked);
  rmSync(hookFile, { recursive: true, force: true });
  const run = ['run', '--preserve-fds', '1', '--pid-file', pidFile];
  const init = outcome(caller, ...run, box.id());
  const hook = hookOutcome();
  const keyring = outcome(caller, ...run, '--no-new-keyring', box.id());
  const exec = outcome(caller, 'exec', '--preserve-fds', '1', '--pid-file', pidFile, victim, '/stub');
  return { init, hook, keyring, exec };
}

/** keyctl(2), of this thread, which starts all that is started. */
function joinKeyring(name: string): void {
  check('join a keyring', 'keyctl', KEYCTL_JOIN_SESSION_KEYRING, cString(name));
}

/** --console-socket: what is sent, and to what. */
function consoleOutcome(): unknown {
  box.configure('echo hello; sleep 1000', ({ process }) => {
    process.terminal = true;
    process.consoleSize = { height: 20, width: 70 };
  });
  const path = join(box.directory, 'console');
  const listener = new StreamListener(path);
  const id = box.id();
  try {
    const { status, stderr } = spawnSync(
      box.launcher,
      ['--root', box.root, 'create', '--console-socket', path, id],
      { cwd: box.bundle, encoding: 'utf8', timeout: TIMEOUT, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const received = listener.received();
    const links = received?.fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
    for (const fd of received?.fds ?? []) closeDescriptor(fd);
    const tty = spawnSync(box.launcher, ['--root', box.root, 'state', id], { encoding: 'utf8' });
    const { pid } = JSON.parse(tty.stdout);
    return { status, stderr, text: received?.text, links, stdin: readlinkSync(`/proc/${pid}/fd/0`) };
  } finally {
    listener.close();
    rmSync(path, { force: true });
    box.tsoci('delete', '--force', id);
  }
}

joinKeyring('tsoci-test-caller');
box.configure('sleep 1000');
spawnSync(box.launcher, ['--root', box.root, 'run', '--detach', victim], {
  cwd: box.bundle,
  stdio: 'ignore',
});
const cold = callers.map(all);
const coldConsole = consoleOutcome();

test.before(() => {
  joinKeyring('tsoci-test-server');
  box.serveThrough(server, 1);
  joinKeyring('tsoci-test-caller');
});

callers.forEach((caller, i) => {
  test(caller.what, () => {
    const { served } = box.status();
    const now = all(caller);
    const before = cold[i];
    assert.equal(now, before);
    assert.ok(box.status().served >= served + 3);
  });
});

test('it is the caller’s', () => {
  const [, other] = cold;
  assert.match(String(other?.keyring.keyring), /;tsoci-test-caller$/);
  assert.match(String(other?.init.keyring), /;_ses\.ID$/);
  for (const process of [other?.init, other?.hook, other?.exec]) {
    // nice(1) adds to what the tests have.
    assert.is(process?.nice, String(Math.min(19, getPriority() + 7)));
    assert.match(String(process?.ioPriority), /^idle/);
    assert.match(String(process?.coredump_filter), /^0000007f/);
  }
  if (cgroup !== undefined) assert.match(String(other?.hook.cgroup), /tsoci-inherited-/);
  assert.not.match(JSON.stringify(cold), /LEAK|4711/);
});

test('the terminal that a console socket is sent', () => assert.equal(consoleOutcome(), coldConsole));

// As conmon and containerd-shim are one: prctl(2).
test('init is a child of the subreaper that its caller has', () => {
  const set = (on: number) => check('be a subreaper', 'prctl', PR_SET_CHILD_SUBREAPER, on, 0, 0, 0);
  box.configure('exit 5');
  const reaped = () => {
    const id = box.id();
    const stdio = 'ignore';
    const words = ['--root', box.root, 'create', id];
    spawnSync(box.launcher, words, { cwd: box.bundle, timeout: TIMEOUT, stdio });
    const { pid } = JSON.parse(box.tsoci('state', id).stdout);
    const parent = processStat(pid)?.parent;
    box.tsoci('delete', '--force', id);
    return parent;
  };
  set(1);
  try {
    const { served } = box.status();
    assert.is(reaped(), process.pid);
    assert.ok(box.status().served > served);
    box.stop();
    assert.is(reaped(), process.pid);
  } finally {
    set(0);
  }
});

test('nothing is left behind', () => {
  box.tsoci('delete', '--force', victim);
  box.stop();
  assert.equal(box.leftovers(), []);
});

test.after(() => {
  box.close();
  if (cgroup !== undefined) rmdirSync(cgroup);
});
test.run();
