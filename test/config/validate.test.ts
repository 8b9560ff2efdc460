// What a person is told: one line by create, everything by validate.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Finding, formatFindings, inOrder, nameOf } from '../../src/config/finding.ts';
import { loadChecked, loadConfig, loadProcess, loadResources } from '../../src/config/load.ts';
import { nearest } from '../../src/config/nearest.ts';
import { pointerOf } from '../../src/config/places.ts';
import { stringifyJson } from '../../src/config/stringify.ts';
import { configFileOf, validateBundle, validateConfig } from '../../src/config/validate.ts';
import { TsociError } from '../../src/linux/errors.ts';
import { fullConfig, minimalConfig } from './full.ts';

const test = suite('config: load and validate');
let bundle = '';

test.before(() => {
  bundle = mkdtempSync(join(tmpdir(), 'tsoci-config-'));
});

test.after(() => {
  rmSync(bundle, { recursive: true });
});

test('a configuration keeps its integers', () => {
  const config = loadConfig(stringifyJson(fullConfig()), 'config.json');
  assert.equal(config, fullConfig());
  assert.is(config.process?.rlimits?.[0]?.hard, 2n ** 64n - 1n);
});

/** The configuration with every property null, wherever one can be absent. */
function withNulls(value: unknown, full: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry, i) => withNulls(entry, Object(full)[i]));
  if (typeof value !== 'object' || value === null) return value;
  const nulls = Object.keys(Object(full)).map((name) => [name, null]);
  const own = Object.entries(value).map(([name, child]) => [name, withNulls(child, Object(full)[name])]);
  return Object.fromEntries([...nulls, ...own]);
}

test('null is absence, for create, exec, update and validate', () => {
  const text = JSON.stringify(withNulls(minimalConfig(), fullConfig()));
  assert.ok(text.split('null').length > 8, text);
  assert.equal(loadConfig(text, 'c.json'), minimalConfig());
  const told = (text: string) => validateConfig(text).map(({ level, pointer }) => [level, pointer]);
  assert.equal(told(text), told(JSON.stringify(minimalConfig())));
  assert.equal(
    loadProcess('{"cwd":"/","args":["a"],"env":null,"capabilities":{"ambient":null}}', 'p').value,
    {
      ...{ cwd: '/', args: ['a'] },
      capabilities: {},
    },
  );
  assert.equal(loadResources('{"memory":null,"pids":{"limit":1},"unified":null}', 'r').value, {
    pids: { limit: 1 },
  });
  const [finding] = validateConfig('{"ociVersion":"1.0.0",\n"root":{"path":null}}');
  assert.equal(
    [finding?.pointer, finding?.problem, finding?.line, finding?.column],
    ['/root/path', 'is required, but missing', 2, 16],
  );
});

test('an empty rootfsPropagation is none', () => {
  const text = '{"ociVersion":"1.0.0","linux":{"rootfsPropagation":""}}';
  assert.is(loadConfig(text, 'c.json').linux?.rootfsPropagation, '');
  refuses(
    () => loadConfig(text.replace('""', '"x"'), 'c.json'),
    'c.json:1:52: linux.rootfsPropagation is "x"; expected one of private, shared, slave, unbindable, rprivate, rshared, rslave, runbindable',
  );
});

const refusals: [text: string, line: string | RegExp][] = [
  ['{"ociVersion": "1.0.0",\n}', "c.json:1:23: a comma without a value before '}'"],
  ['[]', 'c.json:1:1: the configuration is an array; expected an object'],
  ['{"ociVersion": 1}', 'c.json:1:16: ociVersion is 1; expected a string'],
  ['{}', 'c.json:1:1: ociVersion is required, but missing'],
  [
    '{"ociVersion": "1.0.0", "process": {"rlimits": [{"type": "RLIMIT_NOFIL", "soft": -1, "hard": 1}]}}',
    /^c\.json:1:36: process\.cwd is required, but missing \(and 2 more problems: tsoci validate shows all\)$/,
  ],
  [
    '{"ociVersion": "1.0.0", "root": {"path": "a\\u0000b"}}',
    'c.json:1:42: root.path contains a NUL; expected none (config.md#valid-values)',
  ],
  [
    '{"ociVersion": "1.0.0", "linux": {"timeOffsets": {"boottime": {"secs": 1e17}}}}',
    /boottime\.secs is 100000000000000000, an integer too large for a fraction or an exponent; expected an integer from -9223/,
  ],
  [
    '{"ociVersion": "1.0.0", "process": {"cwd": "/", "user": {"uid": 99999999999999999999, "gid": 0}}}',
    'c.json:1:65: process.user.uid is 99999999999999999999; expected an integer from 0 to 4294967295',
  ],
  [
    '{"ociVersion": "1.0.0", "linux": {"namespaces": [{"type": "net"}]}}',
    'c.json:1:59: linux.namespaces[0].type is "net"; expected one of pid, network, mount, ipc, uts, user, cgroup, time',
  ],
];

for (const [text, line] of refusals)
  test(`${text.slice(0, 40)}… is refused in one line`, () => refuses(() => loadConfig(text, 'c.json'), line));

test('exec and update have files of their own', () => {
  const { process, linux } = fullConfig();
  assert.equal(loadProcess(stringifyJson(process), 'p.json'), { value: process, warnings: [] });
  refuses(
    () => loadProcess('{"cwd": "tmp", "args": ["sh"]}', 'p.json'),
    'p.json:1:9: cwd is "tmp"; expected an absolute path (config.md#process)',
  );
  assert.equal(loadResources(stringifyJson(linux?.resources), 'r.json'), {
    value: linux?.resources,
    warnings: [],
  });
  assert.equal(
    loadResources('{"memory": {"swap": 9}}', 'r.json').value,
    { memory: { swap: 9 } },
    'limit stays',
  );
  refuses(
    () => loadResources('{"pids": {"limit": -2}}', 'r.json'),
    'r.json:1:20: pids.limit is -2; expected a number, or -1 for no limit (config-linux.md#pids)',
  );
});

test('a configuration is loaded with its warnings, or refused', () => {
  const { value, warnings } = loadChecked('{"ociVersion": "1.9.0", "root": {"path": "x"}}', 'c.json');
  assert.equal(value, { ociVersion: '1.9.0', root: { path: 'x' } });
  assert.equal(warnings.map(show), ['warning /ociVersion']);
  refuses(
    () => loadChecked('{"ociVersion": "1.0.0", "root": {"path": "x"}, "hostname": "x"}', 'c.json'),
    /^c\.json:\d+:\d+: hostname would be the runtime's; expected a namespace of type uts/,
  );
});

test('validate finds errors of form and of meaning at once, each at its place', () => {
  const text = `{
  "ociVersion": "1.0.0",
  "root": {"path": "rootfs", "readOnly": true},
  "process": {
    "cwd": "tmp",
    "rlimits": [{"type": "RLIMIT_NOFIL", "soft": 1, "hard": 1}],
    "user": {"uid": 0}
  },
  "hooks": {"prestart": []},
  "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALOW"}, "sysctl": {"vm.swappiness": "1"}}
}`;
  assert.is(
    formatFindings(validateConfig(text), 'c.json'),
    `c.json:4:14: error: /process/args names no program; expected at least one entry, the program (config.md#process)
c.json:5:12: error: /process/cwd is "tmp"; expected an absolute path (config.md#process)
c.json:6:26: error: /process/rlimits/0/type is "RLIMIT_NOFIL"; expected RLIMIT_NOFILE (config.md#posix-process)
c.json:10:42: error: /linux/seccomp/defaultAction is "SCMP_ACT_ALOW"; expected SCMP_ACT_ALLOW (config-linux.md#seccomp)
c.json:10:88: error: /linux/sysctl/vm.swappiness is not isolated by any namespace; expected net.*, user.*, fs.mqueue.*, kernel.shm*, kernel.msg* or kernel.sem (config-linux.md#sysctl)
c.json:3:42: warning: /root/readOnly is not known, and ignored; expected readonly (config.md#extensibility)
c.json:7:13: warning: /process/user/gid is required, but missing; 0 is taken (config.md#posix-platform-user)
c.json:9:25: warning: /hooks/prestart is deprecated (config.md#prestart)
`,
  );
});

// Seen before: errors. runc and crun take 0, and a new namespace.
test('what the schema of the specification lets pass is taken as it is meant, with a warning', () => {
  const { value, warnings } = loadChecked(
    `{"ociVersion": "1.0.0", "root": {"path": "x"}, "process": {"cwd": "/", "args": ["a"], "user": {"uid": 5}},
      "linux": {"namespaces": [{"type": "mount", "path": ""}]}}`,
    'c.json',
  );
  assert.equal(value.process?.user, { uid: 5, gid: 0 });
  assert.equal(value.linux?.namespaces, [{ type: 'mount' }]);
  assert.equal(
    warnings.map(({ level, pointer }) => [level, pointer]),
    [
      ['warning', '/process/user/gid'],
      ['warning', '/linux/namespaces/0/path'],
    ],
  );
  const idle = loadProcess(
    '{"cwd": "/", "args": ["a"], "ioPriority": {"class": "IOPRIO_CLASS_IDLE"}}',
    'p.json',
  );
  assert.is(idle.value.ioPriority?.priority, 0);
  assert.equal(
    idle.warnings.map(({ pointer }) => pointer),
    ['/ioPriority/priority'],
  );
});

test('findings for programs are in the same order', () => {
  const findings = inOrder(validateConfig('{"ociVersion": "1.0.0", "hostnam": "a",\n"root": {"path": 1}}'));
  assert.equal(
    findings.map(({ level, pointer, line, column }) => [level, pointer, line, column]),
    [
      ['error', '/root/path', 2, 18],
      ['warning', '/hostnam', 1, 36],
    ],
  );
});

test('text that is not JSON is one finding', () => {
  assert.is(
    formatFindings(validateConfig('{"a": 1'), 'c.json'),
    "c.json:1:8: error: the configuration is not JSON: expected ',' or '}', found the end of the text\n",
  );
});

test('errors in what others depend on do not bring forth more', () => {
  const config = { ...minimalConfig(), hostname: 'x', linux: { namespaces: [{ type: 'utz' }] } };
  assert.equal(validateConfig(stringifyJson(config)).map(show), ['error /linux/namespaces/0/type']);
  assert.equal(validateConfig('{"ociVersion": "1.0.0", "root": 1}').map(show), ['error /root']);
  assert.equal(validateConfig('{"ociVersion": 1, "root": {"path": "x"}}').map(show), ['error /ociVersion']);
  assert.equal(validateConfig('{"ociVersion": "1.0.0", "root": {"path": "x"}, "process": {}}').map(show), [
    'error /process/cwd',
    'error /process/args',
  ]);
});

test('an error in the namespaces hides only what is judged by them', () => {
  const config = {
    ...minimalConfig(),
    hostname: 'x',
    hooks: { poststop: [{ path: 'relative' }] },
    linux: { namespaces: [{ type: 'utz' }], cgroupsPath: '/../x' },
  };
  assert.equal(validateConfig(stringifyJson(config)).map(show).sort(), [
    'error /hooks/poststop/0/path',
    'error /linux/cgroupsPath',
    'error /linux/namespaces/0/type',
  ]);
});

test('properties named as those of every object are unknown like others', () => {
  const text =
    '{"ociVersion": "1.0.0", "root": {"path": "x"}, "toString": {"constructor": 1}, "__proto__": 1}';
  assert.equal(validateConfig(text).map(show), ['warning /toString', 'warning /__proto__']);
});

test('NULs are found in names and values, not in annotations', () => {
  const config = {
    ...minimalConfig(),
    'x\0': 1,
    annotations: { 'a\0': 'b\0' },
    hooks: { poststop: [{ path: '/\0' }] },
  };
  const errors = validateConfig(stringifyJson(config)).filter(({ level }) => level === 'error');
  assert.equal(errors.map(show).sort(), ['error /hooks/poststop/0/path', 'error /x\0']);
});

test('a bundle is validated with the files that it names', () => {
  const config = {
    ...minimalConfig(),
    mounts: [
      { destination: '/a', source: 'nowhere', options: ['bind'] },
      { destination: '/b', source: '.', options: ['rbind'] },
      { destination: '/c', source: 'rootfs/b/of-a-mount-before', options: ['rbind'] },
    ],
    hooks: {
      poststop: [{ path: '/bin/sh' }, { path: '/etc/passwd' }],
      startContainer: [{ path: '/nowhere' }],
    },
    linux: {
      namespaces: [
        { type: 'mount', path: '/proc/self/ns/uts' },
        { type: 'uts', path: '/proc/self/ns/uts' },
        { type: 'ipc', path: '/nowhere' },
      ],
    },
  };
  const file = join(bundle, 'config.json');
  writeFileSync(file, stringifyJson(config));
  const expected = [
    'error /root/path',
    'warning /mounts/0/source',
    'warning /mounts/2/source',
    'warning /hooks/poststop/1/path',
    'error /linux/namespaces/0/path',
    'warning /linux/namespaces/2/path',
  ];
  assert.is(configFileOf(bundle), file);
  assert.equal(validateBundle(bundle).map(show), expected);
  writeFileSync(join(bundle, 'rootfs'), '');
  // What lies in the root filesystem may come from the mounts before.
  const inside = expected.filter((found) => found !== 'warning /mounts/2/source');
  assert.equal(validateBundle(bundle).map(show), inside);
  rmSync(join(bundle, 'rootfs'));
  mkdirSync(join(bundle, 'rootfs'));
  assert.equal(validateBundle(bundle).map(show), inside.slice(1));
  assert.equal(validateBundle(file), [], 'a file by itself');
});

test('a path that leads nowhere, whatever the reason, keeps no other finding back', () => {
  const other = join(bundle, 'loops');
  mkdirSync(other);
  symlinkSync('two', join(other, 'one'));
  symlinkSync('one', join(other, 'two'));
  const tooLong = `/${'x'.repeat(300)}`;
  const config = {
    ...minimalConfig(),
    root: { path: 'one' },
    process: { cwd: 'app', args: ['sh'] },
    mounts: [one('one/below'), one(tooLong), one('config.json/below')],
    hooks: { createRuntime: [{ path: join(other, 'one') }] },
    linux: { namespaces: [{ type: 'mount', path: join(other, 'one') }] },
  };
  function one(source: string): object {
    return { destination: '/a', source, options: ['bind'] };
  }
  writeFileSync(join(other, 'config.json'), stringifyJson(config));
  const found = validateBundle(other);
  const expected = [
    'error /process/cwd',
    'error /root/path',
    'warning /mounts/0/source',
    'warning /mounts/1/source',
    'warning /mounts/2/source',
    'warning /hooks/createRuntime/0/path',
    'warning /linux/namespaces/0/path',
  ];
  assert.equal(found.map(show), expected);
  const told = formatFindings(found, 'config.json');
  assert.match(told, /root\/path cannot be found: .*one: ELOOP \(Too many levels of symbolic links\)/);
  assert.match(told, /mounts\/1\/source cannot be found: .*ENAMETOOLONG/);
  assert.match(told, /mounts\/2\/source does not exist: /);
});

test('names of places', () => {
  assert.is(nameOf(''), 'the configuration');
  assert.is(nameOf('/linux/sysctl/kernel.sem'), 'linux.sysctl["kernel.sem"]');
  assert.is(nameOf('/mounts/0/a~1b~0c'), 'mounts[0]["a/b~c"]');
  for (const pointer of ['/', '/a.b', '/0', '/a//b', '/a b/c', '/a/"/\\', '/\u2028'])
    assert.is(pointerOf(nameOf(pointer)), pointer);
});

test('the nearest name', () => {
  const names = ['readonly', 'path', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'];
  assert.is(nearest('readOnly', names), 'readonly');
  assert.is(nearest('SCMP_ACT_ALOW', names), 'SCMP_ACT_ALLOW');
  assert.is(nearest('scmp_act_log', names), 'SCMP_ACT_LOG');
  const policies = ['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR'];
  assert.is(nearest('SCHED_FIFOO', policies), 'SCHED_FIFO');
  assert.is(nearest('SCHED_FFIO', policies), 'SCHED_FIFO');
  assert.is(nearest('SCHED_R', policies), 'SCHED_RR');
  assert.is(nearest('SCHED_EXT', policies), undefined, 'what all have in common makes nothing near');
  assert.is(nearest('something', names), undefined);
  assert.is(nearest('', names), undefined);
});

test.run();

function refuses(act: () => unknown, line: string | RegExp): void {
  try {
    act();
    assert.unreachable('accepted');
  } catch (error) {
    assert.instance(error, TsociError);
    if (typeof line === 'string') assert.is((error as Error).message, line);
    else assert.match((error as Error).message, line);
  }
}

function show({ level, pointer }: Finding): string {
  return `${level} ${pointer}`;
}
