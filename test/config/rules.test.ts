// Rules about everything but linux: what each finds, and where.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config, Mount, Process } from '../../src/config/generated/types.ts';
import { checkConfig } from '../../src/config/rules/index.ts';
import { exampleConfig } from '../../src/config/spec.ts';
import { bind, type Case, id, isolated, NO_ID, show, testAll } from './cases.ts';
import { fullConfig, minimalConfig } from './full.ts';

const test = suite('config: rules');

test('configurations that are right', () => {
  assert.equal(checkConfig(minimalConfig()), []);
  assert.equal(checkConfig(fullConfig()), []);
  assert.equal(checkConfig(exampleConfig()), []);
  assert.equal(checkConfig(exampleConfig({ uid: 1000, gid: 1000 })), []);
});

const top: Case<Partial<Config>>[] = [
  ['version: not a version', { ociVersion: '1.0' }, '! /ociVersion'],
  ['version: a leading zero', { ociVersion: '1.01.0' }, '! /ociVersion'],
  ['version: another major', { ociVersion: '2.0.0' }, '! /ociVersion'],
  ['version: before the first major', { ociVersion: '0.6.0' }, '! /ociVersion'],
  ['version: a later minor', { ociVersion: '1.4.0' }, '? /ociVersion'],
  ['version: candidates and builds are fine', { ociVersion: '1.0.0-rc5' }],
  ['version: -dev is fine', { ociVersion: '1.0.2-dev' }],
  ['version: + is fine', { ociVersion: '1.2.0+build.7' }],
  ['root: an empty path', { root: { path: '' } }, '! /root/path'],
  ['annotations: an empty key', { annotations: { '': 'x' } }, '! /annotations/'],
  ['hostname without a uts namespace', { hostname: 'a' }, '! /hostname'],
  ['domainname without a uts namespace', { domainname: 'a' }, '! /domainname'],
  ['no hostname is no hostname', { hostname: '' }],
  ['a read-only root without a mount namespace', { root: { path: 'r', readonly: true } }, '! /root/readonly'],
  [
    'devices without a mount namespace',
    { linux: { devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }] } },
    '! /linux/devices',
  ],
  [
    'a terminal without a mount namespace',
    { process: { cwd: '/', args: ['sh'], terminal: true } },
    '! /process/terminal',
  ],
  [
    'propagation without a mount namespace',
    { linux: { rootfsPropagation: 'private' } },
    '! /linux/rootfsPropagation',
  ],
  ['hostname: too long', { hostname: 'é'.repeat(33), linux: isolated('uts') }, '! /hostname'],
  ['hostname: the longest is fine', { hostname: 'x'.repeat(64), linux: isolated('uts') }],
  ['hook: relative', { hooks: { poststop: [{ path: 'true' }] } }, '! /hooks/poststop/0/path'],
  ['hook: environment', { hooks: { prestart: [{ path: '/x', env: ['A'] }] } }, '? /hooks/prestart/0/env/0'],
];

const mounts: Case<Mount>[] = [
  ['no destination', { destination: '', type: 'proc' }, '! /destination'],
  ['relative destination', { destination: 'proc', type: 'proc' }, '? /destination'],
  ['no type', { destination: '/x', source: 'x' }, '! /type'],
  ['no type is fine for a bind mount', { destination: '/x', source: 'x', options: ['bind'] }],
  ['no type is fine for propagation', { destination: '/x', options: ['rshared'] }],
  ['no source of a bind mount', { destination: '/x', options: ['rbind'] }, '! /source'],
  ['bind as a type', { destination: '/x', source: '/x', type: 'bind' }, '? /options'],
  ['one mapping', { ...bind(), uidMappings: [id(0, 0, 1)] }, '! /gidMappings'],
  ['the other mapping', { ...bind(), gidMappings: [id(0, 0, 1)] }, '! /uidMappings'],
  ['idmap with nothing to map', { ...bind('idmap') }, '! /options'],
  ['ridmap with nothing to map', { ...bind('ridmap') }, '! /options'],
  ['no idmap', { ...bind(), uidMappings: [id(0, 0, 1)], gidMappings: [id(0, 0, 1)] }, '? /options'],
  [
    'an empty range',
    { ...bind('idmap'), uidMappings: [id(0, 0, 0)], gidMappings: [id(0, 0, 1)] },
    '! /uidMappings/0/size',
  ],
  [
    'an empty range without idmap',
    { ...bind(), uidMappings: [id(0, 0, 0)], gidMappings: [id(0, 0, 1)] },
    '? /options',
    '! /uidMappings/0/size',
  ],
  ["mappings in crun's own way", { ...bind('idmap=uids=0-1-1;gids=0-1-1') }, '! /options/1'],
  [
    'an option of a bind mount that nobody knows',
    bind('roo', 'ro', 'mode=755'),
    '! /options/1',
    '! /options/3',
  ],
  ['an option named as a property of every object', bind('constructor'), '! /options/1'],
  [
    'a bind mount by its type',
    { destination: '/x', source: '/x', type: 'rbind', options: ['roo'] },
    ...['? /options', '! /options/0'],
  ],
  [
    'a flag of the filesystem, for a bind mount',
    bind('sync', 'noacl', 'async'),
    '? /options/1',
    '? /options/2',
  ],
  ['a change of a bind mount', bind('remount', 'size=1k'), '! /options/2'],
  ['tmpcopyup of what is no tmpfs', bind('tmpcopyup'), '! /options/1'],
  ['tmpcopyup of a ramfs', { destination: '/x', type: 'ramfs', options: ['tmpcopyup'] }, '! /options/0'],
  ['tmpcopyup of a tmpfs', { destination: '/x', type: 'tmpfs', options: ['tmpcopyup'] }],
  [
    'what a filesystem ignores',
    { destination: '/x', type: 'ramfs', options: ['mode=700', 'size=1k', 'ro'] },
    '! /options/1',
  ],
  ['what a filesystem refuses is left to it', { destination: '/x', type: 'tmpfs', options: ['nosuch'] }],
  ['comments', bind('x-mine', 'comment=mine')],
  ['the root', { destination: '/', type: 'tmpfs' }, '! /destination'],
  ['the root, in other words', { destination: '/a/.././..//', type: 'tmpfs' }, '! /destination'],
  ['a change of the root', { destination: '/', options: ['remount', 'ro'] }, '! /destination'],
  [
    'a change of a mount cannot map ids',
    { ...bind('remount', 'idmap'), uidMappings: [id(0, 0, 1)], gidMappings: [id(0, 0, 1)] },
    '! /options',
  ],
];

const processes: Case<Partial<Process>>[] = [
  ['cwd: relative', { cwd: 'tmp' }, '! /cwd'],
  ['args: none', { args: [] }, '! /args'],
  ['args: an empty program', { args: ['', 'x'] }, '! /args/0'],
  ['env: no name', { env: ['A=', '=b', 'c'] }, '? /env/1', '? /env/2'],
  [
    'consoleSize: beyond 16 bits',
    { terminal: true, consoleSize: { height: 65536, width: 1 } },
    '! /consoleSize/height',
  ],
  ['consoleSize: ignored without a terminal', { consoleSize: { height: 65536, width: 1 } }],
  ['consoleSize: the largest', { terminal: true, consoleSize: { height: 65535, width: 65535 } }],
  ['user: all bits masked are fine', { user: { uid: 0, gid: 0, umask: 0o777 } }],
  ['user: no ids', { user: { uid: NO_ID, gid: NO_ID } }, '! /user/uid', '! /user/gid'],
  [
    'user: no additional id',
    { user: { uid: 0, gid: 0, additionalGids: [1, NO_ID] } },
    '! /user/additionalGids/1',
  ],
  ['user: one id twice is fine', { user: { uid: 0, gid: 0, additionalGids: [1, 1] } }],
  ['user: umask', { user: { uid: 0, gid: 0, umask: 0o1000 } }, '? /user/umask'],
  [
    'capabilities: unknown',
    { capabilities: { bounding: ['CAP_KIL', 'CAP_KILL'] } },
    '? /capabilities/bounding/0',
  ],
  [
    'capabilities: what is no set is not looked at',
    { capabilities: { bounding: ['CAP_KILL'], future: [1], other: 'x' } as object },
  ],
  [
    'capabilities: effective, not permitted',
    { capabilities: { effective: ['CAP_KILL'] } },
    '? /capabilities/effective/0',
  ],
  [
    'capabilities: ambient, not inheritable',
    { capabilities: { permitted: ['CAP_KILL'], ambient: ['CAP_KILL'] } },
    '? /capabilities/ambient/0',
  ],
  [
    'rlimits: twice',
    { rlimits: [rlimit('RLIMIT_CPU', 1, 1), rlimit('RLIMIT_AS', 1, 1), rlimit('RLIMIT_CPU', 1, 1)] },
    '! /rlimits/2/type',
  ],
  [
    'rlimits: soft above hard',
    { rlimits: [rlimit('RLIMIT_CPU', 18446744073709551615n, 1)] },
    '! /rlimits/0/soft',
  ],
  ['rlimits: no limit at all is fine', { rlimits: [rlimit('RLIMIT_CPU', 1, 18446744073709551615n)] }],
  ['scheduler: least', { scheduler: { policy: 'SCHED_FIFO', priority: 1, nice: -20 } }],
  ['scheduler: most', { scheduler: { policy: 'SCHED_RR', priority: 99, nice: 19 } }],
  [
    'scheduler: equal times',
    { scheduler: { policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 1024, period: 1024 } },
  ],
  [
    'scheduler: the largest times',
    { scheduler: { policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2n ** 63n - 1n } },
  ],
  ['scheduler: SCHED_ISO', { scheduler: { policy: 'SCHED_ISO' } }, '! /scheduler/policy'],
  ['scheduler: nice', { scheduler: { policy: 'SCHED_OTHER', nice: 20 } }, '! /scheduler/nice'],
  ['scheduler: no priority', { scheduler: { policy: 'SCHED_RR' } }, '! /scheduler/priority'],
  ['scheduler: priority', { scheduler: { policy: 'SCHED_FIFO', priority: 100 } }, '! /scheduler/priority'],
  [
    'scheduler: priority of others',
    { scheduler: { policy: 'SCHED_BATCH', priority: 1 } },
    '! /scheduler/priority',
  ],
  ['scheduler: times of others', { scheduler: { policy: 'SCHED_IDLE', period: 1 } }, '! /scheduler/period'],
  [
    'scheduler: no times',
    { scheduler: { policy: 'SCHED_DEADLINE' } },
    '! /scheduler/runtime',
    '! /scheduler/deadline',
  ],
  [
    'scheduler: order',
    { scheduler: { policy: 'SCHED_DEADLINE', runtime: 3000, deadline: 2000 } },
    '! /scheduler',
  ],
  [
    'scheduler: the period before the deadline',
    { scheduler: { policy: 'SCHED_DEADLINE', runtime: 2000, deadline: 3000, period: 2500 } },
    '! /scheduler',
  ],
  ['execCPUAffinity', { execCPUAffinity: { initial: '0-3, 7', final: '3-0' } }, '! /execCPUAffinity/final'],
];

testAll(test, 'top', top, '', (value) => ({ ...minimalConfig(), ...value }));
testAll(test, 'mounts', mounts, '/mounts/0', (mount) => {
  return { ...minimalConfig(), mounts: [mount], linux: isolated('mount') };
});
testAll(test, 'process', processes, '/process', (value) => {
  return { ...minimalConfig(), process: { cwd: '/', args: ['sh'], ...value }, linux: isolated('mount') };
});

test('root is required', () => {
  assert.equal(checkConfig({ ociVersion: '1.0.0' }).map(show), ['! /root']);
});

test.run();

function rlimit(type: 'RLIMIT_CPU' | 'RLIMIT_AS', soft: number | bigint, hard: number | bigint) {
  return { type, soft, hard };
}
