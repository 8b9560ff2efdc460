// Settings of a process, applied in a stub and read back from /proc.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MemoryPolicy, Rlimit, Scheduler } from '../../src/config/generated/types.ts';
import { rlimitTypes } from '../../src/config/generated/values.ts';
import { KEYCTL_DESCRIBE } from '../../src/linux/constants.ts';
import { setFinalAffinity, setInitialAffinity } from '../../src/security/affinity.ts';
import { parseIdList } from '../../src/security/id-list.ts';
import { setIoPriority, setIoPriorityOf } from '../../src/security/io-priority.ts';
import { createSessionKeyring, joinSessionKeyring } from '../../src/security/keyring.ts';
import { setMemoryPolicy } from '../../src/security/memory-policy.ts';
import { setOomScoreAdj } from '../../src/security/oom-score.ts';
import { setPersonality } from '../../src/security/personality.ts';
import { RLIM_INFINITY, setRlimits, setRlimitsOf } from '../../src/security/rlimits.ts';
import { schedAttr, setScheduler, setSchedulerOf } from '../../src/security/scheduler.ts';
import { uint64 } from '../../src/security/uint64.ts';
import { DescriptorTable, Program } from '../../src/stub/program.ts';
import type { StubProcess } from '../../src/stub/stub-process.ts';
import { isRoot, runIn, statusOf, withStub } from './stub.ts';

const test = suite('process');

function emptyProgram(): Program {
  return new Program(new DescriptorTable([0, 1, 2, 3, 4]));
}

/** Field `number` of proc_pid_stat(5). */
function statField(pid: number, number: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[number - 3]);
}

test('rlimits: set from inside and from outside, with both infinities', () => {
  const rlimits: Rlimit[] = [
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    { type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 },
    { type: 'RLIMIT_FSIZE', soft: 4096, hard: RLIM_INFINITY },
    { type: 'RLIMIT_AS', soft: 2n ** 40n, hard: RLIM_INFINITY },
  ];
  const inside = withStub((stub) => {
    runIn(stub, (program) => setRlimits(program, rlimits));
    return readFileSync(`/proc/${stub.pid}/limits`, 'latin1');
  });
  const outside = withStub((stub) => {
    setRlimitsOf(stub.pid, rlimits);
    return readFileSync(`/proc/${stub.pid}/limits`, 'latin1');
  });
  assert.is(inside, outside);
  assert.match(inside, /Max core file size +0 +0 /);
  assert.match(inside, /Max open files +512 +1024 /);
  assert.match(inside, /Max file size +4096 +unlimited /);
  assert.match(inside, /Max address space +1099511627776 +unlimited /);
});

test('rlimits: every name is the number of asm-generic/resource.h', () => {
  // The order of lines in /proc/PID/limits is another, but each names its limit.
  const titles: Record<string, string> = {
    RLIMIT_CPU: 'Max cpu time',
    RLIMIT_DATA: 'Max data size',
    RLIMIT_STACK: 'Max stack size',
    RLIMIT_RSS: 'Max resident set',
    RLIMIT_NPROC: 'Max processes',
    RLIMIT_MEMLOCK: 'Max locked memory',
    RLIMIT_LOCKS: 'Max file locks',
    RLIMIT_SIGPENDING: 'Max pending signals',
    RLIMIT_MSGQUEUE: 'Max msgqueue size',
    RLIMIT_NICE: 'Max nice priority',
    RLIMIT_RTPRIO: 'Max realtime priority',
    RLIMIT_RTTIME: 'Max realtime timeout',
  };
  assert.is(rlimitTypes.length, 16);
  for (const type of rlimitTypes) {
    const title = titles[type];
    if (!title) continue;
    const limits = withStub((stub) => {
      runIn(stub, (program) => setRlimits(program, [{ type, soft: 0, hard: 0 }]));
      return readFileSync(`/proc/${stub.pid}/limits`, 'latin1');
    });
    assert.match(limits, new RegExp(`${title} +0 +0 `), type);
  }
});

test('rlimits: errors name the limit', () => {
  const one: Rlimit = { type: 'RLIMIT_CORE', soft: 0, hard: 0 };
  assert.throws(() => setRlimits(emptyProgram(), [one, one]), /RLIMIT_CORE: it is given twice/);
  const unknown = { ...one, type: 'RLIMIT_FOO' } as unknown as Rlimit;
  assert.throws(() => setRlimits(emptyProgram(), [unknown]), /RLIMIT_FOO: Linux has no such limit/);
  assert.throws(() => setRlimits(emptyProgram(), [{ ...one, soft: 1 }]), /RLIMIT_CORE.*above the hard one/);
  assert.throws(() => uint64(2n ** 64n, 'RLIMIT_CORE soft'), /RLIMIT_CORE soft: 18446744073709551616 is not/);
  assert.throws(() => uint64(-1, 'RLIMIT_CORE soft'), /not an unsigned/);
});

const policies: [Scheduler, policy: number, nice: number, realtime: number][] = [
  [{ policy: 'SCHED_OTHER', nice: 5 }, 0, 5, 0],
  [{ policy: 'SCHED_FIFO', priority: 7, flags: ['SCHED_FLAG_RESET_ON_FORK'] }, 1, 0, 7],
  [{ policy: 'SCHED_RR', priority: 99 }, 2, 0, 99],
  [{ policy: 'SCHED_BATCH', nice: -3 }, 3, -3, 0],
  [{ policy: 'SCHED_IDLE' }, 5, 0, 0],
  [{ policy: 'SCHED_DEADLINE', runtime: 1_000_000, deadline: 10_000_000n, period: 10_000_000 }, 6, 0, 0],
];

for (const [config, policy, nice, realtime] of policies) {
  (isRoot ? test : test.skip)(`scheduler: ${config.policy}`, () => {
    const ways: ((stub: StubProcess) => void)[] = [
      (stub) => runIn(stub, (program) => setScheduler(program, config)),
      (stub) => setSchedulerOf(stub.pid, config),
    ];
    for (const set of ways) {
      withStub((stub) => {
        set(stub);
        assert.is(statField(stub.pid, 41), policy);
        assert.is(statField(stub.pid, 40), realtime);
        if (policy === 0 || policy === 3) assert.is(statField(stub.pid, 19), nice);
      });
    }
  });
}

test('scheduler: every flag is its bit, and struct sched_attr is laid out as the kernel has it', () => {
  const attr = schedAttr({
    policy: 'SCHED_DEADLINE',
    flags: [
      'SCHED_FLAG_RESET_ON_FORK',
      'SCHED_FLAG_RECLAIM',
      'SCHED_FLAG_DL_OVERRUN',
      'SCHED_FLAG_UTIL_CLAMP_MAX',
    ],
    runtime: 1,
    deadline: 2,
    period: 2n ** 64n - 1n,
  });
  assert.is(attr.readUInt32LE(0), attr.length);
  assert.is(attr.readUInt32LE(4), 6);
  assert.is(attr.readBigUInt64LE(8), 0x47n);
  assert.equal(
    [24, 32, 40].map((at) => attr.readBigUInt64LE(at)),
    [1n, 2n, 2n ** 64n - 1n],
  );
});

test('scheduler: what makes no sense is refused with the reason', () => {
  const refused: [Scheduler, RegExp][] = [
    [{ policy: 'SCHED_ISO' }, /SCHED_ISO: Linux does not implement/],
    [{ policy: 'SCHED_OTHER', nice: 20 }, /nice 20 is not between/],
    [{ policy: 'SCHED_OTHER', priority: 1 }, /priority is of SCHED_FIFO/],
    [{ policy: 'SCHED_FIFO', priority: 1, runtime: 5 }, /SCHED_DEADLINE only/],
  ];
  for (const [config, message] of refused) assert.throws(() => schedAttr(config), message);
  withStub((stub) => {
    const config: Scheduler = { policy: 'SCHED_FIFO', priority: 100 };
    assert.throws(() => runIn(stub, (program) => setScheduler(program, config)), /SCHED_FIFO: EINVAL/);
  });
});

const ionice = ['/usr/bin/ionice', '/bin/ionice'].find((path) => existsSync(path));
(ionice ? test : test.skip)('ioPriority: class and priority', () => {
  const priorities = [
    ['IOPRIO_CLASS_RT', 0, 'realtime: prio 0'],
    ['IOPRIO_CLASS_BE', 3, 'best-effort: prio 3'],
    ['IOPRIO_CLASS_IDLE', 7, 'idle'],
  ] as const;
  for (const [name, priority, shown] of priorities) {
    const ways: ((stub: StubProcess) => void)[] = [
      (stub) => runIn(stub, (program) => setIoPriority(program, { class: name, priority })),
      (stub) => setIoPriorityOf(stub.pid, { class: name, priority }),
    ];
    for (const set of ways) {
      withStub((stub) => {
        set(stub);
        assert.is(execFileSync(ionice ?? '', ['-p', String(stub.pid)], { encoding: 'utf8' }).trim(), shown);
      });
    }
  }
  const wrong = { class: 'IOPRIO_CLASS_BE', priority: 8 } as const;
  assert.throws(() => setIoPriority(emptyProgram(), wrong), /not between 0 and 7/);
});

test('personality: LINUX32, and no flags', () => {
  withStub((stub) => {
    runIn(stub, (program) => setPersonality(program, { domain: 'LINUX32', flags: [] }));
    assert.is(readFileSync(`/proc/${stub.pid}/personality`, 'latin1').trim(), '00000008');
    runIn(stub, (program) => setPersonality(program, { domain: 'LINUX' }));
    assert.is(readFileSync(`/proc/${stub.pid}/personality`, 'latin1').trim(), '00000000');
  });
  assert.throws(
    () => setPersonality(emptyProgram(), { domain: 'LINUX', flags: ['X'] }),
    /no flags are defined/,
  );
});

test('lists of ids', () => {
  assert.equal([...parseIdList('0-2,7', 'x')].slice(0, 8), [0x87, 0, 0, 0, 0, 0, 0, 0]);
  assert.is(parseIdList('64', 'x').length, 16);
  assert.is(parseIdList('8191', 'x').length, 1024);
  for (const list of ['', '1,', 'a', '3-1', '-1', '8192', '0-99999999999', '1;2'])
    assert.throws(() => parseIdList(list, 'set x'), /^set x: /, list);
});

test('execCPUAffinity: initial and final', () => {
  const config = { initial: '0', final: '0-1' };
  withStub((stub) => {
    runIn(stub, (program) => setInitialAffinity(program, config));
    assert.is(statusOf(stub.pid).get('Cpus_allowed_list'), '0');
    runIn(stub, (program) => setFinalAffinity(program, { ...config, final: '' }));
    assert.is(statusOf(stub.pid).get('Cpus_allowed_list'), '0', 'no list, no change');
    assert.throws(
      () => runIn(stub, (program) => setFinalAffinity(program, { final: '4000' })),
      /set final CPU affinity 4000 \(has the container such CPUs\?\): EINVAL/,
    );
  });
});

test('memoryPolicy: modes, nodes and flags as the kernel shows them', () => {
  const shown: [MemoryPolicy, string][] = [
    [{ mode: 'MPOL_BIND', nodes: '0' }, 'bind:0'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'interleave=static:0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'prefer=relative:0'],
    [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
    [{ mode: 'MPOL_LOCAL' }, 'local'],
    [{ mode: 'MPOL_DEFAULT', flags: [] }, 'default'],
  ];
  for (const [config, expected] of shown) {
    withStub((stub) => {
      runIn(stub, (program) => setMemoryPolicy(program, config));
      const line = readFileSync(`/proc/${stub.pid}/numa_maps`, 'latin1').split('\n')[0];
      assert.ok(line?.includes(` ${expected} `), `${config.mode}: ${line}`);
    });
  }
  const weighted = emptyProgram();
  setMemoryPolicy(weighted, { mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] });
  assert.is(weighted.operations[0]?.args[0], 6 | (1 << 15), 'of Linux 6.9: not every kernel takes it');
  const refused: [MemoryPolicy, RegExp][] = [
    [{ mode: 'MPOL_DEFAULT', nodes: '0' }, /takes no nodes/],
    [{ mode: 'MPOL_BIND' }, /takes nodes/],
    [{ mode: 'MPOL_BIND', nodes: 'x' }, /not a list/],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] }, /exclude/],
  ];
  for (const [config, message] of refused)
    assert.throws(() => setMemoryPolicy(emptyProgram(), config), message);
  withStub((stub) => {
    const config: MemoryPolicy = { mode: 'MPOL_BIND', nodes: '1023' };
    assert.throws(
      () => runIn(stub, (program) => setMemoryPolicy(program, config)),
      /of nodes 1023 \(has the container such nodes\?\): EINVAL/,
    );
  });
});

/** keyctl_describe(3): type, uid, gid, permissions, name. */
function sessionKeyring(stub: StubProcess): string {
  const text = Buffer.alloc(256);
  const program = stub.program();
  program.call('keyctl', [KEYCTL_DESCRIBE, -3, text, text.length], 'describe the session keyring');
  return stub.run(program).bytes(text).toString('latin1').split('\0')[0] ?? '';
}

test('keyring: a session keyring named after the container, which exec joins', () => {
  const id = `test-${process.pid}`;
  withStub((init) => {
    runIn(init, (program) => createSessionKeyring(program, id, false));
    assert.match(sessionKeyring(init), new RegExp(`^keyring;\\d+;\\d+;3f1b0000;_ses\\.${id}$`));
    withStub((other) => {
      runIn(other, (program) => joinSessionKeyring(program, id));
      assert.is(sessionKeyring(other), sessionKeyring(init));
    });
  });
  withStub((init) => {
    runIn(init, (program) => createSessionKeyring(program, `${id}-u`, true));
    assert.match(sessionKeyring(init), /;3f130008;/);
  });
});

test('oomScoreAdj: written, checked, and untouched without a value', () => {
  withStub((stub) => {
    const file = `/proc/${stub.pid}/oom_score_adj`;
    const before = readFileSync(file, 'latin1');
    setOomScoreAdj(stub.pid, undefined);
    assert.is(readFileSync(file, 'latin1'), before);
    setOomScoreAdj(stub.pid, 900);
    assert.is(readFileSync(file, 'latin1').trim(), '900');
    assert.throws(() => setOomScoreAdj(stub.pid, 1001), /between -1000 and 1000/);
  });
});

test.run();
