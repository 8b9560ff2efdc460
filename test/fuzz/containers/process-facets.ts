// config.md#process and what belongs to it, as facets.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { capabilityNames } from '../../../src/config/generated/values.ts';
import { maskOf } from '../../../src/security/capabilities.ts';
import { same } from '../properties.ts';
import { type Facet, onHost } from './facet.ts';

/** A mask of /proc/self/status: what we hold ourselves. */
function own(field: string): bigint {
  const text = readFileSync('/proc/self/status', 'latin1');
  return BigInt(`0x${new RegExp(`^${field}:\\s*(\\w+)`, 'm').exec(text)?.[1] ?? 0}`);
}

const held = own('CapPrm') & own('CapBnd');
const holdable = capabilityNames.filter((name) => held & maskOf(name));
const CAP_SYS_RESOURCE = maskOf('CAP_SYS_RESOURCE');

const user: Facet = {
  name: 'process.user',
  draw(random, config) {
    // Mapped in all user namespaces that are drawn.
    const id = () => random.pick([0, 1, 7, 999]);
    const additionalGids = random.some([0, 1, 2, 5, 500, 999]);
    const { user } = config.process;
    Object.assign(user, { uid: id(), gid: id(), additionalGids });
    return (seen) => {
      const { uidMappings, gidMappings } = config.linux;
      const [uid, gid] = [onHost(user.uid, uidMappings, config), onHost(user.gid, gidMappings, config)];
      same(seen.numbers('Uid'), Array(4).fill(uid), 'Uid');
      same(seen.numbers('Gid'), Array(4).fill(gid), 'Gid');
      const groups = additionalGids.map((each) => onHost(each, gidMappings, config));
      same(
        seen.numbers('Groups'),
        groups.sort((a, b) => a - b),
        'Groups',
      );
    };
  },
};

const umask: Facet = {
  name: 'process.user.umask',
  draw(random, { process }) {
    process.user.umask = random.below(0o1000);
    return (seen) => same(Number.parseInt(seen.status('Umask'), 8), process.user.umask, 'Umask');
  },
};

const noNewPrivileges: Facet = {
  name: 'process.noNewPrivileges',
  draw(random, { process }) {
    process.noNewPrivileges = random.chance(50);
    return (seen) => same(seen.numbers('NoNewPrivs'), [process.noNewPrivileges ? 1 : 0], 'NoNewPrivs');
  },
};

const capabilities: Facet = {
  name: 'process.capabilities',
  draw(random, { process }) {
    // Each within the one before: what cannot be granted is left out, which is told elsewhere.
    const bounding = random.some(holdable);
    const permitted = random.some(bounding, 70);
    const effective = random.some(permitted, 70);
    const inheritable = random.some(permitted);
    const ambient = random.some(inheritable);
    process.capabilities = { bounding, permitted, effective, inheritable, ambient };
    return (seen) => {
      const mask = (field: string) => BigInt(`0x${seen.status(field)}`);
      const [bounds, before, inherited, raised] = [bounding, permitted, inheritable, ambient].map((names) =>
        maskOf(...names),
      ) as [bigint, bigint, bigint, bigint];
      // capabilities(7), "Transformation of capabilities during execve()"; root has all file capabilities.
      let after = raised;
      if (process.user.uid === 0) {
        after = bounds | inherited;
        // A gain that no_new_privs does not allow.
        if (process.noNewPrivileges && (after & ~before) !== 0n) after &= before;
      }
      same(mask('CapBnd'), bounds, 'CapBnd');
      same(mask('CapInh'), inherited, 'CapInh');
      same(mask('CapAmb'), raised, 'CapAmb');
      same(mask('CapPrm'), after, 'CapPrm');
      same(mask('CapEff'), after, 'CapEff');
    };
  },
};

/** RLIMIT_… as /proc/PID/limits names them, with the least that a program can start with. */
const limitNames = {
  RLIMIT_CPU: ['Max cpu time', 60],
  RLIMIT_FSIZE: ['Max file size', 0],
  RLIMIT_DATA: ['Max data size', 1 << 26],
  RLIMIT_STACK: ['Max stack size', 1 << 20],
  RLIMIT_CORE: ['Max core file size', 0],
  RLIMIT_RSS: ['Max resident set', 0],
  RLIMIT_NPROC: ['Max processes', 1000],
  RLIMIT_NOFILE: ['Max open files', 16],
  RLIMIT_MEMLOCK: ['Max locked memory', 0],
  RLIMIT_AS: ['Max address space', 1 << 30],
  RLIMIT_LOCKS: ['Max file locks', 0],
  RLIMIT_SIGPENDING: ['Max pending signals', 0],
  RLIMIT_MSGQUEUE: ['Max msgqueue size', 0],
  RLIMIT_NICE: ['Max nice priority', 0],
  RLIMIT_RTPRIO: ['Max realtime priority', 0],
  RLIMIT_RTTIME: ['Max realtime timeout', 0],
} as const;
type LimitName = keyof typeof limitNames;

const UNLIMITED = 2n ** 64n - 1n;

/** The soft and the hard limit of a process. */
function limitsIn(text: string, name: LimitName): [soft: bigint, hard: bigint] {
  const [title] = limitNames[name];
  const [, soft = '', hard = ''] = new RegExp(`^${title}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(text) ?? [];
  const number = (limit: string) => (limit === 'unlimited' ? UNLIMITED : BigInt(limit));
  return [number(soft), number(hard)];
}

const rlimits: Facet = {
  name: 'process.rlimits',
  draw(random, { process }) {
    const ours = readFileSync('/proc/self/limits', 'utf8');
    process.rlimits = random.some(Object.keys(limitNames) as LimitName[], 30).map((type) => {
      const [, least] = limitNames[type];
      const [, most] = limitsIn(ours, type);
      const values = [
        BigInt(least),
        BigInt(least) + 1n,
        BigInt(least) * 2n + 77n,
        2n ** 40n,
        2n ** 63n,
        UNLIMITED,
      ];
      const possible = values.filter((value) => value <= most);
      const [soft, hard] = [random.pick(possible), random.pick(possible)].sort((a, b) => (a < b ? -1 : 1));
      return { type, soft: small(soft), hard: small(hard) };
    });
    return (seen) => {
      const text = seen.file('limits');
      for (const { type, soft, hard } of process.rlimits ?? [])
        same(limitsIn(text, type as LimitName), [BigInt(soft), BigInt(hard)], type);
      const others = (Object.keys(limitNames) as LimitName[]).filter(
        (name) => !process.rlimits?.some(({ type }) => type === name),
      );
      for (const name of others)
        same(limitsIn(text, name), limitsIn(ours, name), `${name}, which is not set`);
    };
  },
};

/** As parseJson has it. */
function small(value: bigint | undefined): number | bigint {
  const number = value ?? 0n;
  return number <= Number.MAX_SAFE_INTEGER ? Number(number) : number;
}

const oomScoreAdj: Facet = {
  name: 'process.oomScoreAdj',
  draw(random, { process }) {
    const least = held & CAP_SYS_RESOURCE ? -1000 : Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
    process.oomScoreAdj = random.between(least, 1000);
    return (seen) => same(Number(seen.file('oom_score_adj')), process.oomScoreAdj, 'oom_score_adj');
  },
};

const cwd: Facet = {
  name: 'process.cwd',
  draw(random, { process }) {
    const [given, meant] = random.pick([
      ['/', '/'],
      ['/tmp', '/tmp'],
      ['/bin/../etc', '/etc'],
      ['/proc', '/proc'],
      ['/dev/shm/', '/dev/shm'],
    ]);
    process.cwd = given;
    return (seen) => same(seen.link('cwd'), meant, 'cwd');
  },
};

const texts = ['', 'x', 'a b', 'ünï', '💥', '=', '-', '"', '\\', '$HOME', '\t', '\n', 'x'.repeat(5000)];

const env: Facet = {
  name: 'process.env',
  draw(random, { process }) {
    const names = random.some(['A', 'B_1', 'ü', 'a.b', '__proto__', 'constructor', 'LD_X', 'HOME'], 60);
    process.env = ['PATH=/bin', ...names.map((name) => `${name}=${random.pick(texts)}`)];
    const home = process.env.some((entry) => /^HOME=./.test(entry));
    return (seen) => {
      const found = seen.file('environ').split('\0').slice(0, -1);
      // One that is not set, or empty, is taken from passwd.
      const others = (list: readonly string[]) =>
        home ? list : list.filter((entry) => !entry.startsWith('HOME='));
      same(others(found), others(process.env ?? []), 'environ');
    };
  },
};

const args: Facet = {
  name: 'process.args',
  draw(random, { process }) {
    process.args = ['/bin/sh', '-c', 'while :; do sleep 1000; done', ...random.some(texts)];
    return (seen) => same(seen.file('cmdline'), `${process.args?.join('\0')}\0`, 'cmdline');
  },
};

const scheduler: Facet = {
  name: 'process.scheduler',
  draw(random, { process }) {
    const policies = { SCHED_OTHER: 0, SCHED_BATCH: 3, SCHED_IDLE: 5 } as const;
    const policy = random.pick(Object.keys(policies) as (keyof typeof policies)[]);
    process.scheduler = { policy, nice: random.between(0, 19) };
    return (seen) => {
      same(seen.stat(41), policies[policy], 'the policy in stat');
      // sched_setattr(2) takes it for these two only.
      if (policy !== 'SCHED_IDLE') same(seen.stat(19), process.scheduler?.nice, 'nice in stat');
    };
  },
};

const ioPriority: Facet = {
  name: 'process.ioPriority',
  draw(random, { process }) {
    const names = { IOPRIO_CLASS_BE: 'best-effort', IOPRIO_CLASS_IDLE: 'idle' } as const;
    const of = random.pick(Object.keys(names) as (keyof typeof names)[]);
    const priority = of === 'IOPRIO_CLASS_IDLE' ? 0 : random.below(8);
    process.ioPriority = { class: of, priority };
    return (seen) => {
      const { stdout } = spawnSync('ionice', ['-p', String(seen.pid)], { encoding: 'utf8' });
      same(stdout.trim(), of === 'IOPRIO_CLASS_IDLE' ? 'idle' : `best-effort: prio ${priority}`, 'ionice');
    };
  },
};

const always: Facet = {
  name: 'always',
  draw(_, config) {
    return (seen) => {
      const open = readdirSync(`/proc/${seen.pid}/fd`).map(Number);
      same(open, [0, 1, 2], 'open descriptors');
      const self = readFileSync('/proc/self/status', 'utf8');
      same(
        seen.status('Cpus_allowed_list'),
        /^Cpus_allowed_list:\s*(.*)$/m.exec(self)?.[1],
        'Cpus_allowed_list',
      );
      // A shell ignores some signals itself.
      if (config.process.args?.[0] === '/bin/sleep')
        for (const field of ['SigBlk', 'SigIgn']) same(BigInt(`0x${seen.status(field)}`), 0n, field);
      same(seen.numbers('Seccomp'), [config.linux.seccomp ? 2 : 0], 'Seccomp');
      same(seen.numbers('TracerPid'), [0], 'TracerPid');
    };
  },
};

/** `always` is what is so of each container's process. */
export const processFacets: readonly Facet[] = [
  always,
  user,
  umask,
  noNewPrivileges,
  capabilities,
  rlimits,
  oomScoreAdj,
  cwd,
  env,
  args,
  scheduler,
  ioPriority,
];
