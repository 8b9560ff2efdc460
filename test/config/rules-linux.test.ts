// Rules about linux: what each finds, and where.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Linux } from '../../src/config/generated/types.ts';
import { checkConfig } from '../../src/config/rules/index.ts';
import { sysctlParts } from '../../src/linux/sysctl.ts';
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
  ['mappings: touching below is fine', mapped([id(10, 110, 10), id(0, 100, 10)])],
  ['mappings: as many as the kernel takes', mapped(Array.from({ length: 340 }, (_, i) => id(i, i, 1)))],
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
  [
    'sysctl: ipc, isolated',
    {
      ...isolated('ipc'),
      sysctl: { 'kernel.sem': '1', 'fs.mqueue.msg_max': '1', 'fs.file-max': '1', 'x.mqueue.y': '1' },
    },
    '! /sysctl/fs.file-max',
    '! /sysctl/x.mqueue.y',
  ],
  ['sysctl: net', { sysctl: { 'net.core.somaxconn': '1' } }, '! /sysctl/net.core.somaxconn'],
  ['sysctl: user', { sysctl: { 'user.max_pid_namespaces': '1' } }, '! /sysctl/user.max_pid_namespaces'],
  ['sysctl: user, isolated', { ...mapped([id(0, 0, 1)]), sysctl: { 'user.max_pid_namespaces': '1' } }],
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
  [
    'devices: the largest numbers and modes are fine',
    { devices: [{ type: 'u', path: '/x', major: 4095, minor: 1048575, fileMode: 0o7777 }, device('/y', 0)] },
  ],
  [
    'devices: u is c',
    { devices: [device('/x', 1), { ...device('/y', 1), type: 'u' }, { ...device('/z', 1), type: 'b' }] },
    '? /devices/1',
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
  ['memoryPolicy: MPOL_DEFAULT alone is fine', { memoryPolicy: { mode: 'MPOL_DEFAULT', flags: [] } }],
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

testAll(test, 'linux', linux, '/linux', (linux) => ({
  ...minimalConfig(),
  linux: linux.devices ? { ...isolated('mount'), ...linux } : linux,
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
  assert.equal(checkConfig({ ...config, domainname: 'x' }), [], 'both say the same');
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

test('without a user the process is root', () => {
  const process = { cwd: '/', args: ['sh'] };
  assert.equal(checkConfig({ ...minimalConfig(), process, linux: mapped([id(0, 0, 1)]) }), []);
});

test('names of kernel parameters as paths (sysctl(8))', () => {
  assert.equal(sysctlParts('net.ipv4.conf.eth0/1.rp_filter'), ['net', 'ipv4', 'conf', 'eth0.1', 'rp_filter']);
  assert.equal(sysctlParts('net/ipv4/conf/eth0.1/rp_filter'), ['net', 'ipv4', 'conf', 'eth0.1', 'rp_filter']);
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
    assert.is(sysctlParts(name), undefined, name);
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
