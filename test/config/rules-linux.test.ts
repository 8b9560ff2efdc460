// Rules about linux: what each finds, and where.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Linux, Resources, Seccomp, Syscall } from '../../src/config/generated/types.ts';
import { checkConfig } from '../../src/config/rules/index.ts';
import { sysctlPath } from '../../src/config/rules/sysctl.ts';
import { bind, type Case, id, isolated, mapped, NO_ID, show, testAll } from './cases.ts';
import { minimalConfig } from './full.ts';

const test = suite('config: rules about linux');

const linux: Case<Linux>[] = [
  ['namespaces: twice', { namespaces: [{ type: 'pid' }, { type: 'pid' }] }, '! /namespaces/1/type'],
  ['namespaces: relative', { namespaces: [{ type: 'pid', path: 'ns' }] }, '! /namespaces/0/path'],
  ['namespaces: empty', { namespaces: [{ type: 'pid', path: '' }] }, '! /namespaces/0/path'],
  ['maskedPaths of the runtime', { maskedPaths: ['/x'] }, '! /maskedPaths'],
  ['readonlyPaths of the runtime', { readonlyPaths: ['/x'] }, '! /readonlyPaths'],
  ['maskedPaths: relative', { ...isolated('mount'), maskedPaths: ['/x', 'x'] }, '! /maskedPaths/1'],
  ['readonlyPaths: empty', { ...isolated('mount'), readonlyPaths: [''] }, '! /readonlyPaths/0'],
  ['mappings without a user namespace', { uidMappings: [id(0, 0, 1)] }, '! /uidMappings'],
  ['mappings of gids without a user namespace', { gidMappings: [id(0, 0, 1)] }, '! /gidMappings'],
  ['a user namespace without mappings', isolated('user'), '! /uidMappings'],
  ['a joined user namespace has its own', { namespaces: [{ type: 'user', path: '/x' }] }],
  [
    'mappings for a joined user namespace',
    { namespaces: [{ type: 'user', path: '/x' }], uidMappings: [id(0, 0, 1)] },
    '? /uidMappings',
  ],
  ['mappings: empty range', mapped([id(0, 0, 1), id(5, 5, 0)]), '! /uidMappings/1/size'],
  ['mappings: overlap inside', mapped([id(0, 0, 10), id(9, 100, 10)]), '! /uidMappings/1/containerID'],
  ['mappings: overlap outside', mapped([id(0, 100, 10), id(10, 109, 10)]), '! /uidMappings/1/hostID'],
  ['mappings: neighbours are fine', mapped([id(0, 100, 10), id(10, 110, 10)])],
  ['mappings: beyond the end', mapped([id(0, 1, NO_ID)]), '! /uidMappings/0/size'],
  ['mappings: up to the end is fine', mapped([id(0, 0, NO_ID)])],
  ['mappings: too many', mapped(Array.from({ length: 341 }, (_, i) => id(i, i, 1))), '! /uidMappings'],
  ['timeOffsets without a time namespace', { timeOffsets: { boottime: { secs: 1 } } }, '! /timeOffsets'],
  [
    'timeOffsets of a joined time namespace',
    { namespaces: [{ type: 'time', path: '/x' }], timeOffsets: { boottime: {} } },
    '! /timeOffsets',
  ],
  [
    'timeOffsets: an unknown clock',
    { ...isolated('time'), timeOffsets: { realtime: {} } as object },
    '! /timeOffsets/realtime',
  ],
  [
    'timeOffsets: a second of nanoseconds',
    { ...isolated('time'), timeOffsets: { monotonic: { nanosecs: 1e9 } } },
    '! /timeOffsets/monotonic/nanosecs',
  ],
  ['timeOffsets: none are fine', { timeOffsets: {} }],
  [
    'sysctl: ipc',
    { sysctl: { 'kernel.sem': '1', 'fs.mqueue.msg_max': '1' } },
    '! /sysctl/kernel.sem',
    '! /sysctl/fs.mqueue.msg_max',
  ],
  ['sysctl: net', { sysctl: { 'net.core.somaxconn': '1' } }, '! /sysctl/net.core.somaxconn'],
  ['sysctl: with slashes', { ...isolated('network'), sysctl: { 'net/ipv4/conf/eth0.1/rp_filter': '1' } }],
  [
    'sysctl: hostname',
    { ...isolated('uts'), sysctl: { 'kernel.hostname': 'x' } },
    '! /sysctl/kernel.hostname',
  ],
  ['sysctl: domainname', { ...isolated('uts'), sysctl: { 'kernel.domainname': 'x' } }],
  [
    "sysctl: the runtime's domainname",
    { sysctl: { 'kernel.domainname': 'x' } },
    '! /sysctl/kernel.domainname',
  ],
  [
    'sysctl: of no namespace',
    { ...isolated('ipc', 'network', 'uts'), sysctl: { 'vm.overcommit_memory': '1' } },
    '! /sysctl/vm.overcommit_memory',
  ],
  [
    'sysctl: leading elsewhere',
    { ...isolated('network'), sysctl: { 'net/../kernel/core_pattern': 'x' } },
    '! /sysctl/net~1..~1kernel~1core_pattern',
  ],
  ['devices: relative', { devices: [{ type: 'p', path: 'fifo' }] }, '! /devices/0/path'],
  [
    'devices: no numbers',
    { devices: [{ type: 'c', path: '/x' }] },
    '! /devices/0/major',
    '! /devices/0/minor',
  ],
  ['devices: a FIFO has no numbers', { devices: [{ type: 'p', path: '/x' }] }],
  [
    'devices: numbers',
    { devices: [{ type: 'b', path: '/x', major: -1, minor: 1048576 }] },
    '! /devices/0/major',
    '! /devices/0/minor',
  ],
  [
    'devices: no owner',
    { devices: [{ type: 'p', path: '/x', uid: NO_ID, gid: NO_ID }] },
    '! /devices/0/uid',
    '! /devices/0/gid',
  ],
  [
    'devices: bits of the type',
    { devices: [{ type: 'p', path: '/x', fileMode: 0o20666 }] },
    '? /devices/0/fileMode',
  ],
  ['devices: two of a path', { devices: [device('/x', 1), device('/x', 2)] }, '! /devices/1/path'],
  ['devices: one of two paths', { devices: [device('/x', 1), device('/y', 1)] }, '? /devices/1'],
  ['devices: the same twice is fine', { devices: [device('/x', 1), device('/x', 1)] }],
  ['netDevices of the runtime', { netDevices: { eth0: {} } }, '! /netDevices'],
  [
    'netDevices: names',
    { ...isolated('network'), netDevices: { 'a/b': {}, eth0: { name: 'x'.repeat(16) } } },
    '! /netDevices/a~1b',
    '! /netDevices/eth0/name',
  ],
  [
    'netDevices: %d is of names inside',
    { ...isolated('network'), netDevices: { 'eth%d': {}, a: { name: 'b%d' }, c: { name: 'b%d' } } },
    '! /netDevices/eth%d',
  ],
  [
    'netDevices: one name twice',
    { ...isolated('network'), netDevices: { a: { name: 'c' }, b: { name: 'c' } } },
    '! /netDevices/b',
  ],
  ['cgroupsPath: upwards', { cgroupsPath: '/a/../../b' }, '! /cgroupsPath'],
  ['cgroupsPath: dots in a name are fine', { cgroupsPath: 'a..b/c' }],
  ['intelRdt: closID', { intelRdt: { closID: '../x' } }, '! /intelRdt/closID'],
  ['intelRdt: the root is fine', { intelRdt: { closID: '/' } }],
  ['intelRdt: l3CacheSchema', { intelRdt: { l3CacheSchema: 'x' } }, '? /intelRdt/l3CacheSchema'],
  [
    'intelRdt: lines',
    { intelRdt: { l3CacheSchema: 'L3:\nMB:', schemata: ['a', 'b\n'] } },
    '! /intelRdt/l3CacheSchema',
    '! /intelRdt/schemata/1',
  ],
  ['memoryPolicy: not a list', { memoryPolicy: { mode: 'MPOL_BIND', nodes: '0,' } }, '! /memoryPolicy/nodes'],
  [
    'memoryPolicy: nodes of none',
    { memoryPolicy: { mode: 'MPOL_LOCAL', nodes: '0' } },
    '! /memoryPolicy/nodes',
  ],
  [
    'memoryPolicy: flags of none',
    { memoryPolicy: { mode: 'MPOL_DEFAULT', flags: ['MPOL_F_STATIC_NODES'] } },
    '! /memoryPolicy/flags',
  ],
  ['memoryPolicy: no nodes', { memoryPolicy: { mode: 'MPOL_INTERLEAVE' } }, '! /memoryPolicy/nodes'],
  ['memoryPolicy: MPOL_PREFERRED can do without', { memoryPolicy: { mode: 'MPOL_PREFERRED' } }],
  [
    'memoryPolicy: flags without nodes',
    { memoryPolicy: { mode: 'MPOL_PREFERRED', flags: ['MPOL_F_STATIC_NODES'] } },
    '! /memoryPolicy/flags',
  ],
  [
    'memoryPolicy: both flags',
    {
      memoryPolicy: {
        mode: 'MPOL_BIND',
        nodes: '0',
        flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'],
      },
    },
    '! /memoryPolicy/flags',
  ],
  [
    'memoryPolicy: balancing',
    { memoryPolicy: { mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] } },
    '! /memoryPolicy/flags',
  ],
  ['personality: flags', { personality: { domain: 'LINUX', flags: ['X'] } }, '! /personality/flags/0'],
];

const resources: Case<Resources>[] = [
  ['memory: below -1', { memory: { limit: -2, kernel: -5 } }, '! /memory/limit', '! /memory/kernel'],
  ['memory: swap below memory', { memory: { limit: 100, swap: 99 } }, '! /memory/swap'],
  ['memory: swap without memory', { memory: { swap: 99 } }, '! /memory/swap'],
  ['memory: swap with unlimited memory', { memory: { limit: -1, swap: 99 } }, '! /memory/swap'],
  ['memory: unlimited swap is fine', { memory: { limit: 100, swap: -1 } }],
  ['cpu: burst above quota', { cpu: { quota: 10, burst: 11 } }, '! /cpu/burst'],
  ['cpu: burst without quota is fine', { cpu: { quota: -1, burst: 11 } }],
  ['cpu: lists', { cpu: { cpus: '0-', mems: '2-1' } }, '! /cpu/cpus', '! /cpu/mems'],
  ['cpu: no list is fine', { cpu: { cpus: '', mems: '0-3,7' } }],
  ['pids: below -1', { pids: { limit: -2 } }, '! /pids/limit'],
  ['pids: none are fine', { pids: { limit: 0 } }],
  ['devices: below -1', { devices: [{ allow: true, major: -1, minor: -2 }] }, '! /devices/0/minor'],
  [
    'blockIO: no weight',
    { blockIO: { weightDevice: [{ major: 1, minor: 1 }] } },
    '! /blockIO/weightDevice/0',
  ],
  ['rdma: no limit', { rdma: { mlx: {} } }, '! /rdma/mlx'],
  [
    'unified: not a file',
    { unified: { 'a/b.c': '1', memory: '1', 'io.max': '1' } },
    '! /unified/a~1b.c',
    '! /unified/memory',
  ],
];

const filters: Case<Seccomp>[] = [
  [
    'errno of an action without',
    { defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 },
    '! /defaultErrnoRet',
  ],
  ['errno too large', { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 4096 }, '! /defaultErrnoRet'],
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
];

testAll(test, 'linux', linux, '/linux', (linux) => ({ ...minimalConfig(), linux }));
testAll(test, 'resources', resources, '/linux/resources', (resources) => {
  return { ...minimalConfig(), linux: { resources } };
});
testAll(test, 'seccomp', filters, '/linux/seccomp', (seccomp) => ({
  ...minimalConfig(),
  linux: { seccomp },
}));

test('mounts without a mount namespace', () => {
  const config = { ...minimalConfig(), mounts: [{ destination: '/proc', type: 'proc' }] };
  assert.equal(checkConfig(config).map(show), ['? /mounts']);
});

test('idmap takes the mappings of the user namespace', () => {
  const config = { ...minimalConfig(), mounts: [bind('idmap')], linux: mapped([id(0, 0, 1)], 'mount') };
  assert.equal(checkConfig(config), []);
});

test('domainname and its kernel parameter contradict', () => {
  const sysctl = { 'kernel.domainname': 'x' };
  const config = { ...minimalConfig(), domainname: 'y', linux: { ...isolated('uts'), sysctl } };
  assert.equal(checkConfig(config).map(show), ['! /linux/sysctl/kernel.domainname']);
});

test('a process whose ids the user namespace does not have', () => {
  const user = { uid: 1, gid: 0, additionalGids: [0, 2] };
  const config = {
    ...minimalConfig(),
    process: { cwd: '/', args: ['sh'], user },
    linux: mapped([id(0, 0, 1)]),
  };
  assert.equal(checkConfig(config).map(show), ['! /process/user/uid', '! /process/user/additionalGids/1']);
});

test('names of kernel parameters as paths (sysctl(8))', () => {
  assert.equal(sysctlPath('net.ipv4.conf.eth0/1.rp_filter'), ['net', 'ipv4', 'conf', 'eth0.1', 'rp_filter']);
  assert.equal(sysctlPath('net/ipv4/conf/eth0.1/rp_filter'), ['net', 'ipv4', 'conf', 'eth0.1', 'rp_filter']);
  for (const name of [
    '',
    'net',
    '.net',
    'net.',
    'net..core',
    'net/../core',
    '/net/core',
    'net.//.core',
    './net',
  ])
    assert.is(sysctlPath(name), undefined, name);
});

test('every finding cites the specification', () => {
  for (const [, value] of linux)
    for (const { spec } of checkConfig({ ...minimalConfig(), linux: value }))
      assert.match(spec ?? '', /\.md#/);
});

test.run();

function device(path: string, minor: number) {
  return { type: 'c', path, major: 1, minor } as const;
}

function allowing(syscall: Syscall): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [syscall] };
}
