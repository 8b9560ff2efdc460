// What `exec` makes of a process file: each property reaches the process.

import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, EXEC_FAILED, missingPs, Sandbox, userNamespace } from './harness.ts';

const test = suite('exec');
const box = new Sandbox();
const file = join(box.directory, 'process.json');
const KILL = ['CAP_KILL'];
const lastCpu = String(availableParallelism() - 1);

const look = `pwd; echo $A; umask; ulimit -n; cat /proc/self/oom_score_adj /proc/self/personality
  grep -E '^(Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp|Cpus_allowed_list):' /proc/self/status
  cat /proc/self/stat; mkdir made`;
const given = {
  cwd: '/tmp',
  args: ['sh', '-c', look],
  env: ['PATH=/bin', 'A=b'],
  user: { uid: 7, gid: 8, additionalGids: [9, 10], umask: 0o27 },
  noNewPrivileges: true,
  oomScoreAdj: 321,
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 99 }],
  scheduler: { policy: 'SCHED_BATCH', nice: 3 },
  execCPUAffinity: { initial: '0', final: lastCpu },
  capabilities: {
    bounding: ['CAP_CHOWN', ...KILL],
    effective: KILL,
    permitted: KILL,
    inheritable: KILL,
    ambient: KILL,
  },
};

// Seen without the calls for affinity, oom_score_adj, seccomp, personality, no_new_privs and scheduler, one by one.
for (const [what, change] of [
  ['', () => {}],
  [' in a user namespace', userNamespace],
] as [string, Change][]) {
  test(`every property of a process file, and those of the container's linux${what}`, () => {
    const id = box.id();
    box.configure('sleep 1000', (config) => {
      change(config);
      config.linux.personality = { domain: 'LINUX32' };
      const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: 38 }];
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
    });
    assert.is(box.detached('run', '--detach', id), 0);
    writeFileSync(file, JSON.stringify(given));
    const { stdout, stderr } = box.tsoci('exec', '--process', file, id);
    assert.is(stderr, "mkdir: can't create directory 'made': Function not implemented\n");
    const lines = stdout.trimEnd().replaceAll('\t', ' ').split('\n');
    // proc_pid_stat(5): nice is field 19, policy 41 (SCHED_BATCH is 3).
    const stat = lines.pop()?.split(') ')[1]?.split(' ') ?? [];
    assert.equal([stat[19 - 3], stat[41 - 3]], ['3', '3']);
    const kill = '0000000000000020';
    assert.equal(
      lines.map((line) => line.trim()),
      [
        ...['/tmp', 'b', '0027', '77', '321', '00000008'],
        ...['Uid: 7 7 7 7', 'Gid: 8 8 8 8', 'Groups: 9 10'],
        ...[
          `CapInh: ${kill}`,
          `CapPrm: ${kill}`,
          `CapEff: ${kill}`,
          'CapBnd: 0000000000000021',
          `CapAmb: ${kill}`,
        ],
        ...['NoNewPrivs: 1', 'Seccomp: 2', `Cpus_allowed_list: ${lastCpu}`],
      ],
    );
    assert.is(box.tsoci('delete', '--force', id).status, 0);
  });
}

test('a capability that is unknown is told once; a link at the first name of the pid file is not followed', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  writeFileSync(
    file,
    JSON.stringify({ cwd: '/', args: ['true'], capabilities: { effective: ['CAP_NOPE'] } }),
  );
  const victim = join(box.directory, 'victim');
  // Seen without its removal: EEXIST; with that and without O_EXCL: the victim was written.
  symlinkSync(victim, join(box.directory, '.pid.next'));
  const pidFile = join(box.directory, 'pid');
  const { stderr } = box.tsoci('exec', '--process', file, '--pid-file', pidFile, id);
  assert.is(stderr, 'tsoci: warning: unknown capabilities left out: CAP_NOPE\n');
  assert.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
  assert.not.ok(existsSync(victim));
  assert.not.ok(readdirSync(box.directory).includes('.pid.next'));
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

/** Id and its output of a process in a container. */
function seen(...args: string[]): string {
  const { status, stdout, stderr } = box.tsoci('exec', ...args);
  assert.is(status, 0, stderr);
  return stdout.trimEnd().replaceAll('\t', ' ');
}

test('what a process file leaves out of capabilities, limits and labels is that of the container, no more', () => {
  const id = box.id();
  box.configure('sleep 1000', ({ process }) => {
    process.capabilities = { bounding: KILL, effective: KILL, permitted: KILL };
    process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 99 }];
    process.oomScoreAdj = 321;
    process.scheduler = { policy: 'SCHED_BATCH', nice: 3 };
    process.execCPUAffinity = { final: lastCpu };
    process.noNewPrivileges = true;
    process.user = { uid: 7, gid: 8, additionalGids: [9], umask: 0o27 };
  });
  assert.is(box.detached('run', '--detach', id), 0);
  const env = ['PATH=/bin'];
  const script = `id -u; id -G; umask; ulimit -n; cat /proc/self/oom_score_adj
    grep -E '^(CapEff|CapBnd|NoNewPrivs|Cpus_allowed_list):' /proc/self/status; read -r stat </proc/self/stat; echo $stat`;
  const run = (changes: object) => {
    writeFileSync(file, JSON.stringify({ cwd: '/', args: ['sh', '-c', script], ...changes }));
    return seen('--process', file, id);
  };
  const lines = (output: string) => {
    const all = output.split('\n');
    // proc_pid_stat(5): nice is field 19, policy 41 (SCHED_BATCH is 3).
    const fields = all.pop()?.split(') ')[1]?.split(' ') ?? [];
    return [...all, fields[19 - 3], fields[41 - 3]];
  };
  const kill = '0000000000000020';
  const affinity = `Cpus_allowed_list: ${lastCpu}`;
  assert.equal(lines(run({ env })), [
    ...['0', '0', '0027', '77', '321', `CapEff: ${kill}`, `CapBnd: ${kill}`, 'NoNewPrivs: 0', affinity],
    ...['3', '3'],
  ]);
  assert.equal(
    lines(
      run({
        env,
        capabilities: {},
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 55, hard: 66 }],
        oomScoreAdj: 5,
        user: { uid: 1, gid: 2, umask: 0o77 },
        scheduler: { policy: 'SCHED_OTHER', nice: 1 },
      }),
    ).map((line) => line?.replaceAll('0000000000000000', 'none')),
    ['1', '2', '0077', '55', '5', 'CapEff: none', 'CapBnd: none', 'NoNewPrivs: 0', affinity, '1', '0'],
  );
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('--user has the further groups of the container, --additional-gids adds to them', () => {
  const id = box.id();
  box.configure('sleep 1000', ({ process }) => {
    process.user = { uid: 5, gid: 6, additionalGids: [10, 20] };
  });
  assert.is(box.detached('run', '--detach', id), 0);
  const groups = (...options: string[]) => seen(...options, id, 'sh', '-c', 'id -u; id -G').split('\n');
  assert.equal(groups(), ['5', '6 10 20']);
  assert.equal(groups('--user', '1000:1001'), ['1000', '1001 10 20']);
  assert.equal(groups('--user', '1000'), ['1000', '6 10 20']);
  assert.equal(groups('-g', '33', '-g', '34'), ['5', '6 10 20 33 34']);
  assert.equal(groups('-u', '0:0', '-g', '33'), ['0', '0 10 20 33']);
  writeFileSync(file, JSON.stringify({ cwd: '/', args: ['id', '-G'], env: ['PATH=/bin'] }));
  assert.is(seen('-g', '33', '--process', file, id), '0 33');
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('-- may stand between the container and the command', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  assert.is(seen(id, '--', 'echo', '--', '-x'), '-- -x');
  assert.is(seen(id, 'echo', '--', 'x'), '-- x');
  assert.is(seen('--', id, 'echo', 'x'), 'x');
  if (missingPs) console.log(`skipped: what is behind -- of tsoci ps: ${missingPs}`);
  else assert.is(box.tsoci('ps', id, '--', '-o', 'pid').stdout.split('\n').length, 3);
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('the exit status is that of the process, or 255', () => {
  const id = box.id();
  box.configure('sleep 1000');
  assert.is(box.detached('run', '--detach', id), 0);
  const status = (...args: string[]) => box.tsoci('exec', ...args).status;
  assert.is(status(id, 'sh', '-c', 'exit 1'), 1);
  assert.is(status(id, 'sh', '-c', 'kill -TERM $$'), 128 + 15);
  for (const failing of [
    [id, 'nosuch'],
    [id, '/etc'],
    ['--cwd', '/nosuch', id, 'true'],
    ['--process', '/nosuch', id],
    ['--pid-file', '/nosuch/pid', id, 'true'],
    ['--cgroup', '/nosuch', id, 'true'],
    ['--tty', '--detach', id, 'true'],
    ['nosuch', 'true'],
  ])
    assert.is(status(...failing), EXEC_FAILED, failing.join(' '));
  assert.is(box.tsoci('delete', '--force', id).status, 0);
});

test('capabilities that runc spec makes ambient and not inheritable are told with --debug only', () => {
  const id = box.id();
  box.configure('true', ({ process }) => {
    const all = process.capabilities?.permitted ?? [];
    process.capabilities = { bounding: all, effective: all, permitted: all, ambient: all };
  });
  const run = box.tsoci('run', id);
  assert.equal([run.status, run.stderr], [0, '']);
  const { stderr } = box.tsoci('--debug', 'run', id);
  assert.match(
    stderr,
    /debug: ambient capabilities left out, not both permitted and inheritable: CAP_AUDIT_WRITE,/,
  );
});

test('an error tells who has said what does not work: the command line, the process file or config.json', () => {
  const id = box.id();
  box.configure('sleep 1000', ({ process }) => {
    process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 99 }];
  });
  assert.is(box.detached('run', '--detach', id), 0);
  const refusal = (...args: string[]): string => {
    const { status, stderr } = box.tsoci('exec', ...args);
    assert.is(status, EXEC_FAILED, stderr);
    return stderr.trimEnd();
  };
  assert.match(refusal(id, 'no-such'), /executable file not found in .*; for the command given to exec$/);
  assert.match(refusal(id, '/bin'), /is a directory: permission denied; for the command given to exec$/);
  const cwd = 'change to the working directory /none: ENOENT (No such file or directory)';
  assert.is(refusal('--cwd', '/none', id, 'true'), `tsoci: ${cwd}; for --cwd`);
  assert.match(refusal('--tty', '--detach', id, 'true'), /^tsoci: a terminal is asked for: .*; for --tty$/);
  assert.match(refusal('--process-label', 'l', id, 'true'), /; for --process-label$/);
  const written = { cwd: '/none', args: ['no-such'] };
  writeFileSync(file, JSON.stringify(written));
  assert.is(refusal('--process', file, id), `tsoci: ${cwd}; cwd is at ${file}:1:8`);
  writeFileSync(file, JSON.stringify({ ...written, cwd: '/' }));
  assert.ok(refusal('--process', file, id).endsWith(`; args[0] is at ${file}:1:20`));
  // More descriptors than the kernel gives (fs.nr_open), written later: create would have refused it.
  const saved = join(box.root, id, 'config.json');
  const config = JSON.parse(readFileSync(saved, 'utf8'));
  config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 ** 40 }];
  writeFileSync(saved, JSON.stringify(config));
  const expected = `; for process.rlimits of the config.json of container ${id}`;
  assert.ok(refusal(id, 'true').endsWith(expected));
  writeFileSync(file, JSON.stringify({ cwd: '/', args: ['true'] }));
  assert.ok(refusal('--process', file, id).endsWith(expected));
  box.tsoci('delete', '--force', id);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
