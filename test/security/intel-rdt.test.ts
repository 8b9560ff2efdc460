// linux.intelRdt in a directory that looks like resctrl.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { IntelRdt } from '../../src/config/generated/types.ts';
import {
  applyIntelRdt,
  findResctrl,
  joinIntelRdt,
  removeIntelRdt,
  updateIntelRdt,
} from '../../src/security/intel-rdt.ts';
import { differences } from '../../src/security/schemata.ts';

const test = suite('intelRdt');

function withResctrl(
  body: (resctrl: string, apply: (config: IntelRdt) => ReturnType<typeof applyIntelRdt>) => void,
): void {
  const resctrl = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    writeFileSync(join(resctrl, 'schemata'), '    L3:0=7ff;1=7ff\n    MB:  0= 100;1= 100\n');
    body(resctrl, (config) => applyIntelRdt(config, { id: 'c1', pid: 42, resctrl }));
  } finally {
    rmSync(resctrl, { recursive: true });
  }
}

/** A class of service that somebody has made. */
function makeClass(resctrl: string, name: string): void {
  mkdirSync(join(resctrl, name, 'mon_groups'), { recursive: true });
  writeFileSync(join(resctrl, name, 'schemata'), '    L3:0=07f;1=7ff\n    MB:  0=  20;1= 100\n');
}

test('without closID: a class named after the container, removed with it', () => {
  withResctrl((resctrl, apply) => {
    const groups = apply({ memBwSchema: 'MB:0=20', l3CacheSchema: 'L3:0=f', schemata: ['L2:0=3'] });
    const directory = join(resctrl, 'c1');
    assert.is(readFileSync(join(directory, 'schemata'), 'utf8'), 'L3:0=f\nMB:0=20\nL2:0=3\n');
    assert.is(readFileSync(join(directory, 'tasks'), 'utf8'), '42');
    assert.equal(groups, { closDirectory: directory });
    // On a real resctrl rmdir takes the files along.
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    removeIntelRdt(groups);
    assert.not.ok(existsSync(directory));
    removeIntelRdt(groups);
  });
});

test('an update writes to the class that the config says', () => {
  withResctrl((resctrl, apply) => {
    apply({});
    const update = (config: IntelRdt | undefined, changes: IntelRdt) =>
      updateIntelRdt(config, changes, { id: 'c1', resctrl });
    update({}, { l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=20' });
    assert.is(readFileSync(join(resctrl, 'c1', 'schemata'), 'utf8'), 'L3:0=f\nMB:0=20\n');
    makeClass(resctrl, 'gold');
    update({ closID: 'gold' }, { memBwSchema: 'MB:1=50' });
    assert.is(readFileSync(join(resctrl, 'gold', 'schemata'), 'utf8'), 'MB:1=50\n');
    assert.throws(() => update({}, { memBwSchema: '50' }), /does not start with MB:/);
    assert.throws(
      () => update(undefined, { memBwSchema: 'MB:1=50' }),
      /the config of c1 has no linux\.intelRdt/,
    );
    const nowhere = { id: 'c1', resctrl: undefined };
    assert.throws(() => updateIntelRdt({}, { memBwSchema: 'MB:1=50' }, nowhere), /no resctrl filesystem/);
  });
});

test('a process of exec goes where the container is, as far as it is there', () => {
  withResctrl((resctrl, apply) => {
    makeClass(resctrl, 'gold');
    const config = { closID: 'gold', enableMonitoring: true };
    const groups = apply(config);
    const join43 = (config: IntelRdt, groups: ReturnType<typeof apply>, at: string | undefined) =>
      joinIntelRdt(config, groups, { id: 'c1', pid: 43, resctrl: at });
    join43(config, groups, resctrl);
    assert.is(readFileSync(join(resctrl, 'gold/tasks'), 'utf8'), '43');
    assert.is(readFileSync(join(resctrl, 'gold/mon_groups/c1/tasks'), 'utf8'), '43');
    join43({}, apply({}), resctrl);
    assert.is(readFileSync(join(resctrl, 'c1/tasks'), 'utf8'), '43');
    join43({ closID: '/' }, {}, resctrl);
    assert.is(readFileSync(join(resctrl, 'tasks'), 'utf8'), '43');
    join43({ closID: 'removed' }, { monDirectory: join(resctrl, 'none') }, resctrl);
    assert.not.ok(existsSync(join(resctrl, 'removed')));
    join43(config, groups, undefined);
  });
});

test('without a schema no schemata file is written', () => {
  withResctrl((resctrl, apply) => {
    assert.equal(apply({}), { closDirectory: join(resctrl, 'c1') });
    assert.equal(readdirSync(join(resctrl, 'c1')), ['tasks']);
    assert.equal(apply({}), {}, 'what was there already is not ours to remove');
  });
});

test('with closID: made with its schemata if it is not there, and left behind', () => {
  withResctrl((resctrl, apply) => {
    assert.equal(apply({ closID: 'gold', l3CacheSchema: 'L3:0=f' }), {});
    assert.is(readFileSync(join(resctrl, 'gold/schemata'), 'utf8'), 'L3:0=f\n');
    assert.throws(() => apply({ closID: 'silver' }), /silver does not exist, and no schema is given/);
    assert.not.ok(existsSync(join(resctrl, 'silver')));
  });
});

test('with closID that exists: its L3 and MB lines must be the same', () => {
  withResctrl((resctrl, apply) => {
    makeClass(resctrl, 'gold');
    const before = readFileSync(join(resctrl, 'gold/schemata'), 'utf8');
    assert.equal(apply({ closID: 'gold' }), {});
    assert.throws(
      () => apply({ closID: 'gold', memBwSchema: 'MB:0=30', schemata: ['L2:0=1'] }),
      /gold has other schemata: MB of domain 0 is 20, not 30/,
    );
    assert.is(readFileSync(join(resctrl, 'gold/schemata'), 'utf8'), before, 'nothing was written');
    const same = { l3CacheSchema: 'L3:0=7F', memBwSchema: 'MB:0=20;1=100' };
    assert.equal(apply({ closID: 'gold', ...same, schemata: ['L2:0=1'] }), {});
    assert.is(readFileSync(join(resctrl, 'gold/schemata'), 'utf8'), 'L3:0=7F\nMB:0=20;1=100\nL2:0=1\n');
    assert.is(readFileSync(join(resctrl, 'gold/tasks'), 'utf8'), '42');
  });
});

test('closID / is the root', () => {
  withResctrl((resctrl, apply) => {
    assert.equal(apply({ closID: '/' }), {});
    assert.is(readFileSync(join(resctrl, 'tasks'), 'utf8'), '42');
  });
});

test('enableMonitoring: a group of the container, removed with it', () => {
  withResctrl((resctrl, apply) => {
    makeClass(resctrl, 'gold');
    const groups = apply({ closID: 'gold', enableMonitoring: true });
    const monDirectory = join(resctrl, 'gold/mon_groups/c1');
    assert.equal(groups, { monDirectory });
    assert.is(readFileSync(join(monDirectory, 'tasks'), 'utf8'), '42');
    assert.throws(() => apply({ closID: 'gold', enableMonitoring: true }), /make monitoring group.*EEXIST/);
  });
});

test('what was made is removed when something fails', () => {
  withResctrl((resctrl, apply) => {
    // The new class has no mon_groups here, as where the CPU cannot monitor.
    assert.throws(() => apply({ enableMonitoring: true }), /make monitoring group/);
    assert.not.ok(existsSync(join(resctrl, 'c1')));
  });
});

test('errors', () => {
  const none = { id: 'c1', pid: 42, resctrl: undefined };
  assert.throws(() => applyIntelRdt({ closID: 'x' }, none), /no resctrl filesystem is mounted/);
  for (const closID of ['', '.', '..', 'a/b', '../x'])
    assert.throws(() => applyIntelRdt({ closID }, none), /is no name of a directory/);
  assert.throws(() => applyIntelRdt({ memBwSchema: 'L3:0=1' }, none), /does not start with MB:/);
  assert.throws(() => applyIntelRdt({ schemata: ['L3:0=1\nMB:0=1'] }, none), /schemata contains a newline/);
});

test('lines are compared by what they say', () => {
  const present = '  L3CODE:0=7ff\n    MB:0= 10;1=100\n';
  assert.is(differences('MB:1=100', present), undefined);
  assert.is(differences('L3CODE: 0 = 07FF', present), undefined);
  assert.match(differences('L3:0=7ff', present) ?? '', /no line L3/);
  assert.match(differences('MB:2=10', present) ?? '', /domain 2 is absent/);
});

test('where resctrl is mounted', () => {
  const line = '30 23 0:26 / /sys/fs/my\\040resctrl rw,nosuid shared:5 - resctrl resctrl rw';
  assert.is(findResctrl(`1 1 0:1 / / rw - ext4 /dev/vda rw\n${line}\n`), '/sys/fs/my resctrl');
  assert.is(findResctrl('1 1 0:1 / / rw - ext4 resctrl rw\n'), undefined);
});

test.run();
