// How a container's process is scheduled, as the kernel says it of the process that runs: config.md#linux-process,
// config-linux.md#personality, #memory-policy. With a user namespace the host sets it, without one the process itself.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, getPriority } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Scheduler } from '../../src/config/generated/types.ts';
import { schedulerFlags } from '../../src/config/generated/values.ts';
import { syscall } from '../../src/linux/ffi.ts';
import { type Change, Sandbox, TIMEOUT, tsociPath, userNamespace } from './harness.ts';

const test = suite('scheduling');
const box = new Sandbox();
/** asm/unistd_64.h, asm-generic/unistd.h. */
const SCHED_GETATTR = process.arch === 'x64' ? 315 : 275;
const MS = 1_000_000;

/** Runs a container for as long as `look` takes. */
function whileRunning<Result>(change: Change, look: (pid: number, id: string) => Result): Result {
  const id = box.id();
  box.configure('sleep 1000', change);
  if (box.detached('run', '--detach', id) !== 0) throw new Error(box.tsoci('run', id).stderr);
  try {
    return look(box.state(id).pid, id);
  } finally {
    box.tsoci('delete', '--force', id);
  }
}

/** sched_getattr(2). */
function attributes(pid: number) {
  const attr = Buffer.alloc(48);
  assert.is(syscall(SCHED_GETATTR, pid, attr, attr.length, 0), 0);
  const [runtime, deadline, period] = [24, 32, 40].map((at) => Number(attr.readBigUInt64LE(at)));
  return {
    policy: attr.readUInt32LE(4),
    flags: Number(attr.readBigUInt64LE(8)),
    nice: attr.readInt32LE(16),
    priority: attr.readUInt32LE(20),
    runtime,
    deadline,
    period,
  };
}

const deadline = { policy: 'SCHED_DEADLINE', runtime: MS, deadline: 10 * MS, period: 20 * MS } as const;
const [OTHER, FIFO, RR, BATCH, IDLE, DEADLINE] = [0, 1, 2, 3, 5, 6];
const cases: [Scheduler, Partial<ReturnType<typeof attributes>>][] = [
  [
    { policy: 'SCHED_OTHER', nice: -5 },
    { policy: OTHER, nice: -5, flags: 0 },
  ],
  [
    { policy: 'SCHED_FIFO', priority: 7 },
    { policy: FIFO, priority: 7 },
  ],
  [
    { policy: 'SCHED_RR', priority: 9 },
    { policy: RR, priority: 9 },
  ],
  [
    { policy: 'SCHED_BATCH', nice: 3 },
    { policy: BATCH, nice: 3 },
  ],
  [{ policy: 'SCHED_IDLE' }, { policy: IDLE }],
  [deadline, { policy: DEADLINE, runtime: MS, deadline: 10 * MS, period: 20 * MS, flags: 0 }],
  [{ policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_RESET_ON_FORK'] }, { flags: 1 }],
  [
    { ...deadline, flags: ['SCHED_FLAG_RECLAIM'] },
    { policy: DEADLINE, flags: 2 },
  ],
  [
    { ...deadline, flags: ['SCHED_FLAG_DL_OVERRUN'] },
    { policy: DEADLINE, flags: 4 },
  ],
  [
    { policy: 'SCHED_BATCH', nice: 4, flags: ['SCHED_FLAG_KEEP_POLICY'] },
    { policy: OTHER, nice: 4 },
  ],
  [
    { policy: 'SCHED_BATCH', nice: 4, flags: ['SCHED_FLAG_KEEP_PARAMS'] },
    { policy: OTHER, nice: getPriority() },
  ],
  [{ policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_UTIL_CLAMP_MIN'] }, { policy: BATCH }],
  [{ policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_UTIL_CLAMP_MAX'] }, { policy: BATCH }],
];

for (const [scheduler, expected] of cases) {
  const name = [scheduler.policy, ...(scheduler.flags ?? [])].join(' ');
  test(`scheduler: ${name}`, () => {
    for (const change of [() => {}, userNamespace] as Change[]) {
      const look = () =>
        whileRunning((config) => {
          change(config);
          config.process.scheduler = scheduler;
        }, attributes);
      const clamps = scheduler.flags?.some((flag) => flag.startsWith('SCHED_FLAG_UTIL_CLAMP'));
      if (clamps && !clampsUtilization()) assert.throws(look, /set scheduler SCHED_BATCH: ENOTSUP/);
      else {
        const found = look();
        for (const [key, value] of Object.entries(expected))
          assert.is(found[key as keyof typeof found], value, `${name}: ${key}`);
      }
    }
  });
}

/** Of a kernel with CONFIG_UCLAMP_TASK. */
function clampsUtilization(): boolean {
  return existsSync('/proc/sys/kernel/sched_util_clamp_max');
}

test('scheduler: every flag that the specification has was tried', () => {
  const tried = new Set(cases.flatMap(([{ flags = [] }]) => flags));
  assert.equal(
    schedulerFlags.filter((flag) => !tried.has(flag)),
    [],
  );
});

test('ioPriority', () => {
  for (const change of [() => {}, userNamespace] as Change[]) {
    for (const [name, priority, shown] of [
      ['IOPRIO_CLASS_RT', 2, 'realtime: prio 2'],
      ['IOPRIO_CLASS_BE', 6, 'best-effort: prio 6'],
      ['IOPRIO_CLASS_IDLE', 0, 'idle'],
    ] as const) {
      const set: Change = (config) => {
        change(config);
        config.process.ioPriority = { class: name, priority };
      };
      const look = (pid: number) =>
        spawnSync('ionice', ['-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
      assert.is(whileRunning(set, look), shown);
    }
  }
});

test('execCPUAffinity: of exec, and not of the container', () => {
  if (availableParallelism() < 2) return console.log('skipped: there is one processor');
  const set: Change = ({ process }) => {
    process.execCPUAffinity = { initial: '0', final: '1' };
  };
  const allowed = (text: string) => /^Cpus_allowed_list:\s+(.*)$/m.exec(text)?.[1];
  whileRunning(set, (pid, id) => {
    assert.is(allowed(box.tsoci('exec', id, 'cat', '/proc/self/status').stdout), '1');
    const own = allowed(readFileSync('/proc/self/status', 'utf8'));
    assert.is(allowed(readFileSync(`/proc/${pid}/status`, 'utf8')), own);
  });
});

// Seen with the affinity of tsoci: 0, for init and for exec.
test('a caller that is bound to a CPU does not bind the container, nor what exec starts', () => {
  if (availableParallelism() < 2) return console.log('skipped: there is one processor');
  const allowed = (pid: string | number) => ['grep', 'Cpus_allowed_list', `/proc/${pid}/status`];
  const bound = (...args: string[]) =>
    spawnSync('taskset', ['-c', '0', tsociPath, '--root', box.root, ...args], {
      encoding: 'utf8',
      cwd: box.bundle,
      timeout: TIMEOUT,
    }).stdout;
  const own = spawnSync('grep', allowed('self').slice(1), { encoding: 'utf8' }).stdout;
  box.configure(allowed('self').join(' '));
  assert.is(bound('run', box.id()), own);
  whileRunning(
    () => {},
    (_, id) => assert.is(bound('exec', id, ...allowed('self')), own),
  );
});

test('personality', () => {
  const machine = (domain: 'LINUX' | 'LINUX32') => {
    const set: Change = ({ linux }) => {
      linux.personality = { domain };
    };
    return whileRunning(set, (pid) => readFileSync(`/proc/${pid}/personality`, 'utf8').trim());
  };
  assert.is(machine('LINUX32'), '00000008');
  assert.is(machine('LINUX'), '00000000');
});

test('memoryPolicy', () => {
  if (!existsSync('/proc/self/numa_maps')) return console.log('skipped: this kernel has no NUMA policies');
  for (const [memoryPolicy, shown] of [
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'interleave=relative:0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'prefer:0'],
    [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'prefer (many):0'],
    [{ mode: 'MPOL_LOCAL' }, 'local'],
    [{ mode: 'MPOL_DEFAULT' }, 'default'],
  ] as const) {
    const set: Change = ({ linux }) => {
      linux.memoryPolicy = { ...memoryPolicy, flags: 'flags' in memoryPolicy ? [...memoryPolicy.flags] : [] };
    };
    const maps = whileRunning(set, (pid) => readFileSync(`/proc/${pid}/numa_maps`, 'latin1'));
    assert.match(maps.split('\n')[0] ?? '', ` ${shown} `);
  }
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
