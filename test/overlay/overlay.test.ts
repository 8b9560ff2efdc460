// An overlay as the root filesystem: --overlay, and layers named by annotations.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exampleConfig } from '../../src/config/spec.ts';
import { CLONE_NEWNS, MS_PRIVATE, MS_REC } from '../../src/linux/constants.ts';
import { appendsLayers } from '../../src/rootfs/long-options.ts';
import {
  LOWERDIR,
  mountOverlay,
  parseLowerdir,
  planOverlay,
  UPPERDIR,
  WORKDIR,
} from '../../src/rootfs/overlay.ts';
import { openRoot } from '../../src/rootfs/root.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { Sandbox, tsociPath } from '../container/harness.ts';
import { testLauncher } from '../launcher/driven.ts';

const test = suite('overlay');
const box = new Sandbox();
const unprivileged = process.getuid?.() !== 0;

function directory(...parts: string[]): string {
  const path = join(box.bundle, ...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Layers with a file each, whose names hold what separates layers and options; the topmost first. */
function layers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const path = directory('layers', `${i}:a,b\\c`);
    writeFileSync(join(path, `f${i}`), String(i));
    writeFileSync(join(path, 'top'), String(i));
    return path;
  });
}

function run(script: string, annotations: Record<string, string>, ...options: string[]) {
  box.configure(script, (config) => {
    config.annotations = annotations;
  });
  return box.tsoci('run', ...options, box.id());
}

test('lists of layers are read with escapes or as JSON', () => {
  assert.equal(parseLowerdir('/a:b'), ['/a', 'b']);
  assert.equal(parseLowerdir('/a\\:b:/c\\\\d'), ['/a:b', '/c\\d']);
  assert.equal(parseLowerdir('["/a:b","/c,d"]'), ['/a:b', '/c,d']);
  for (const wrong of ['', ':', '[]', '[1]', '["a"', '[""]'])
    assert.throws(() => parseLowerdir(wrong), /list/);
});

test('kernels from 6.8 on take layers one by one', () => {
  assert.not.ok(appendsLayers('5.14.0-rc1'));
  assert.not.ok(appendsLayers('6.7.12'));
  assert.ok(appendsLayers('6.8.0-31-generic'));
  assert.ok(appendsLayers('7.0'));
});

test('annotations that make no sense are refused', () => {
  const plan = (annotations: Record<string, string>, overlay = false) =>
    planOverlay({ ...exampleConfig(), annotations }, box.bundle, box.rootfs, overlay);
  assert.is(plan({}), undefined);
  assert.throws(() => plan({ [UPPERDIR]: 'rootfs' }), /need each other/);
  assert.throws(() => plan({ [WORKDIR]: 'rootfs' }), /need each other/);
  assert.throws(() => plan({ [UPPERDIR]: 'rootfs', [WORKDIR]: 'rootfs/tmp' }), /apart/);
  assert.throws(() => plan({ [UPPERDIR]: 'rootfs', [WORKDIR]: 'rootfs' }, true), /exclude each other/);
  assert.throws(() => plan({ [LOWERDIR]: 'nowhere' }), /nowhere: ENOENT/);
  assert.throws(() => plan({ [LOWERDIR]: 'rootfs/etc/passwd' }), /no directory/);
  assert.throws(() => plan({ [LOWERDIR]: Array(501).fill('rootfs').join(':') }), /501 layers/);
});

if (unprivileged) {
  console.log('skip: mounting an overlay: needs root');
} else {
  test('--overlay lets the container write, and the bundle stays as it was', () => {
    const before = readdirSync(box.rootfs).join();
    const script =
      'echo new > /new; echo changed > /etc/passwd; rm -r /tmp; mkdir /tmp; cat /new /etc/passwd';
    const { status, stdout, stderr } = run(`alias rm="busybox rm"; ${script}`, {}, '--overlay');
    assert.is(status, 0, stderr);
    assert.is(stdout, 'new\nchanged\n');
    assert.is(readdirSync(box.rootfs).join(), before);
    assert.match(readFileSync(join(box.rootfs, 'etc/passwd'), 'utf8'), /^root:/);
  });

  test('what a container wrote is gone with it', () => {
    assert.is(run('echo once > /once', {}, '--overlay').status, 0);
    assert.is(run('test ! -e /once', {}, '--overlay').status, 0);
  });

  test('--overlay with a read-only root is read-only, and mount points are made all the same', () => {
    box.configure('touch /file || echo refused', (config) => {
      config.root = { path: 'rootfs', readonly: true };
      config.mounts?.push({ destination: '/made/here', type: 'tmpfs', source: 'tmpfs' });
    });
    const { status, stdout, stderr } = box.tsoci('run', '--overlay', box.id());
    assert.is(status, 0, stderr);
    assert.is(stdout, 'refused\n');
    assert.not.ok(existsSync(join(box.rootfs, 'made')));
  });

  test('the root directory has the mode of the topmost layer', () => {
    chmodSync(box.rootfs, 0o711);
    const { stdout } = run('stat -c %a /', {}, '--overlay');
    chmodSync(box.rootfs, 0o755);
    assert.is(stdout, '711\n');
  });

  test('120 layers with colons in their names, the first on top', () => {
    const lower = [...layers(120), box.rootfs];
    const escaped = lower.map((path) => path.replace(/[\\:]/g, '\\$&')).join(':');
    const { status, stdout, stderr } = run('cat /top; cat /f119; ls / | grep -c ^f', { [LOWERDIR]: escaped });
    assert.is(status, 0, stderr);
    assert.is(stdout, '0119120\n');
  });

  test('an upper layer of the host keeps what is written', () => {
    const upper = directory('keep', 'upper: with, traps');
    directory('keep', 'work');
    const annotations = { [UPPERDIR]: 'keep/upper: with, traps', [WORKDIR]: 'keep/work' };
    const { status, stderr } = run('echo kept > /kept', annotations);
    assert.is(status, 0, stderr);
    assert.is(readFileSync(join(upper, 'kept'), 'utf8'), 'kept\n');
    assert.not.ok(existsSync(join(box.rootfs, 'kept')));
    assert.is(run('cat /kept', annotations).stdout, 'kept\n');
  });

  test('older kernels get all layers at once', () => {
    const lower = layers(100);
    const annotations = { [LOWERDIR]: JSON.stringify([...lower, box.rootfs]) };
    const plan = planOverlay({ ...exampleConfig(), annotations }, box.bundle, box.rootfs, false);
    assert.ok(plan);
    const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
    try {
      const program = stub.program();
      program.call('unshare', [CLONE_NEWNS], 'unshare');
      program.call('mount', [null, '/', null, MS_REC | MS_PRIVATE, null], 'make mounts private');
      const target = openRoot(program, box.rootfs);
      stub.run(program);
      const root = mountOverlay(stub, target, box.rootfs, { ...plan, appends: false });
      const seen = `/proc/${stub.pid}/fd/${root}`;
      assert.is(readFileSync(join(seen, 'top'), 'utf8'), '0');
      assert.is(readFileSync(join(seen, 'f99'), 'utf8'), '99');
      writeFileSync(join(seen, 'written'), '');
      assert.not.ok(existsSync(join(box.rootfs, 'written')));
    } finally {
      stub.dismiss();
    }
  });

  test('rootless: an ordinary user has an overlay too', () => {
    const USER = 1000;
    const home = directory('home');
    chownSync(home, USER, USER);
    const config = exampleConfig({ uid: USER, gid: USER });
    if (config.process) {
      Object.assign(config.process, {
        terminal: false,
        args: ['/bin/sh', '-c', 'echo mine > /mine; ls /mine'],
      });
    }
    config.root = { path: 'rootfs', readonly: false };
    box.write(JSON.stringify(config));
    const rootless = (...options: string[]) => {
      const args = [
        '--root',
        join(home, 'state'),
        '--cgroup-manager',
        'disabled',
        'run',
        ...options,
        box.id(),
      ];
      const how = { uid: USER, gid: USER, cwd: box.bundle, encoding: 'utf8', timeout: 30_000 } as const;
      return spawnSync(tsociPath, args, { ...how, stdio: ['ignore', 'pipe', 'pipe'] });
    };
    const { status, stdout, stderr } = rootless('--overlay');
    if (status !== 0 && rootless().status !== 0) {
      console.log(`skip: rootless overlay: no rootless container here at all: ${stderr.trim()}`);
      return;
    }
    assert.is(status, 0, stderr);
    assert.is(stdout.replace(/\s+/g, ' '), '/mine ');
    assert.not.ok(existsSync(join(box.rootfs, 'mine')));
  });
}

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
