// Rules about linux.resources and linux.seccomp: what each finds, and where.

import { suite } from 'uvu';
import type { Resources, Seccomp, Syscall } from '../../src/config/generated/types.ts';
import { type Case, testAll } from './cases.ts';
import { minimalConfig } from './full.ts';

const test = suite('config: rules about resources and seccomp');

const resources: Case<Resources>[] = [
  ['memory: below -1', { memory: { limit: -2, kernel: -5 } }, '! /memory/limit', '! /memory/kernel'],
  ['memory: swap below memory', { memory: { limit: 100, swap: 99 } }, '! /memory/swap'],
  ['memory: swap without memory', { memory: { swap: 99 } }, '! /memory/swap'],
  ['memory: swap with unlimited memory', { memory: { limit: -1, swap: 99 } }, '! /memory/swap'],
  ['memory: swap with memory 0, which is no limit', { memory: { limit: 0, swap: 99 } }, '! /memory/swap'],
  ['memory: unlimited swap is fine', { memory: { limit: 100, swap: -1 } }],
  ['memory: swap as large as memory is fine', { memory: { limit: 100, swap: 100 } }],
  ['memory: no swap is no limit of it', { memory: { limit: 100, swap: 0 } }],
  ['cpu: burst as large as quota is fine', { cpu: { quota: 10, burst: 10 } }],
  ['cpu: quota 0 is no quota', { cpu: { quota: 0, burst: 10 } }],
  ['cpu: burst above quota', { cpu: { quota: 10, burst: 11 } }, '! /cpu/burst'],
  ['cpu: burst without quota is fine', { cpu: { quota: -1, burst: 11 } }],
  ['cpu: lists', { cpu: { cpus: '0-', mems: '2-1' } }, '! /cpu/cpus', '! /cpu/mems'],
  ['cpu: no list is fine', { cpu: { cpus: '', mems: '0-3,7' } }],
  ['pids: below -1', { pids: { limit: -2 } }, '! /pids/limit'],
  ['pids: no limit is fine', { pids: { limit: -1 } }],
  ['pids: none are fine', { pids: { limit: 0 } }],
  ['devices: below -1', { devices: [{ allow: true, major: -1, minor: -2 }] }, '! /devices/0/minor'],
  [
    'blockIO: no weight',
    { blockIO: { weightDevice: [{ major: 1, minor: 1 }] } },
    '! /blockIO/weightDevice/0',
  ],
  [
    'one weight or limit is enough',
    {
      blockIO: { weightDevice: [{ major: 1, minor: 1, leafWeight: 0 }] },
      rdma: { a: { hcaHandles: 0 }, b: { hcaObjects: 0 } },
    },
  ],
  ['rdma: no limit', { rdma: { mlx: {} } }, '! /rdma/mlx'],
  [
    'unified: not a file',
    { unified: { 'a/b.c': '1', memory: '1', 'io.max': '1' } },
    '! /unified/a~1b.c',
    '! /unified/memory',
  ],
];

const beginning = ['brk', 'mmap', 'mprotect', 'openat', 'read', 'close', 'exit_group'];
const filters: Case<Seccomp>[] = [
  [
    'errno of an action without',
    { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
    '! /defaultErrnoRet',
  ],
  ['errno too large', { defaultAction: 'SCMP_ACT_TRACE', defaultErrnoRet: 65536 }, '! /defaultErrnoRet'],
  [
    'errno of a call too large',
    allowing({ names: ['x'], action: 'SCMP_ACT_ERRNO', errnoRet: 4096 }),
    '! /syscalls/0/errnoRet',
  ],
  [
    'errno of a call',
    allowing({ names: ['x'], action: 'SCMP_ACT_LOG', errnoRet: 1 }),
    '! /syscalls/0/errnoRet',
  ],
  ['a tracer is told 16 bits', allowing({ names: ['x'], action: 'SCMP_ACT_TRACE', errnoRet: 65535 })],
  ['notify by default', { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/x' }, '! /defaultAction'],
  ['notify nobody', allowing({ names: ['x'], action: 'SCMP_ACT_NOTIFY' }), '! /listenerPath'],
  ['metadata for nobody', { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' }, '! /listenerMetadata'],
  [
    'the seventh argument',
    allowing({ names: ['x'], action: 'SCMP_ACT_LOG', args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }),
    '! /syscalls/0/args/0/index',
  ],
  ['execve: not mentioned by a filter that denies', { defaultAction: 'SCMP_ACT_KILL' }, '! /syscalls'],
  ['execve: denied', allowing({ names: ['x', 'execve'], action: 'SCMP_ACT_TRAP' }), '! /syscalls'],
  [
    'execve: denied under a condition',
    allowing({
      names: ['execve'],
      action: 'SCMP_ACT_TRAP',
      args: [{ index: 5, value: 0, op: 'SCMP_CMP_EQ' }],
    }),
  ],
  [
    'execve: allowed by a filter that denies',
    {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names: ['execve', ...beginning], action: 'SCMP_ACT_LOG' }],
    },
  ],
  [
    'without what a program calls before main()',
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['execve'], action: 'SCMP_ACT_LOG' }] },
    '? /syscalls',
  ],
  ['mmap: denied', allowing({ names: ['mmap'], action: 'SCMP_ACT_ERRNO' }), '? /syscalls'],
  [
    'sendmsg: denied by a filter that notifies',
    {
      defaultAction: 'SCMP_ACT_ERRNO',
      listenerPath: '/x',
      syscalls: [
        { names: ['execve', ...beginning], action: 'SCMP_ACT_ALLOW' },
        { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' },
      ],
    },
    '! /syscalls',
  ],
  [
    'sendmsg: notified',
    { ...allowing({ names: ['sendmsg'], action: 'SCMP_ACT_NOTIFY' }), listenerPath: '/x' },
    '! /syscalls',
  ],
  ['sendmsg: let pass', { ...allowing({ names: ['x'], action: 'SCMP_ACT_NOTIFY' }), listenerPath: '/x' }],
  [
    'the sixth argument',
    allowing({ names: ['x'], action: 'SCMP_ACT_LOG', args: [{ index: 5, value: 0, op: 'SCMP_CMP_EQ' }] }),
  ],
];

testAll(test, 'resources', resources, '/linux/resources', (resources) => {
  return { ...minimalConfig(), linux: { resources } };
});
testAll(test, 'seccomp', filters, '/linux/seccomp', (seccomp) => ({
  ...minimalConfig(),
  linux: { seccomp },
}));

test.run();

function allowing(syscall: Syscall): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [syscall] };
}
