// checkpoint and restore with criu: what runs goes on, under another id, from another bundle.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Checkpoints, COUNTER, countIn, countsOn, workingCriu } from './checkpoints.ts';
import { eventually, userNamespace } from './harness.ts';

const test = suite('checkpoint');
const criu = workingCriu();

if (criu) {
  const made = new Checkpoints(criu);
  const { box } = made;

  test('a counter goes on counting, under another id and from another bundle', () => {
    const id = made.start(COUNTER, (config) => {
      config.annotations = { 'org.example.note': 'kept' };
    });
    countsOn(box.rootfs, 0);
    const images = made.checkpoint(id);
    assert.match(box.tsoci('state', id).stderr, /does not exist/);
    const reached = countIn(box.rootfs);
    const bundle = made.copyBundle();
    const pidFile = join(box.directory, 'pid');
    const other = made.restore(images, '--bundle', bundle, '--pid-file', pidFile);
    countsOn(join(bundle, 'rootfs'), reached);
    assert.is(countIn(box.rootfs), reached);

    const state = box.state(other);
    assert.is(state.status, 'running');
    assert.is(state.bundle, bundle);
    assert.equal(state.annotations, { 'org.example.note': 'kept' });
    assert.is(readFileSync(pidFile, 'utf8'), String(state.pid));
    assert.is(
      box.tsoci('exec', other, 'sh', '-c', 'echo $PPID; readlink /proc/1/exe').stdout,
      '0\n/bin/busybox\n',
    );
    assert.match(box.tsoci('ps', other).stdout, String(state.pid));
    assert.is(box.tsoci('kill', other, 'KILL').status, 0);
    eventually('it is stopped', () => box.state(other).status === 'stopped');
    assert.is(box.tsoci('delete', other).status, 0);
    assert.equal(box.leftovers(), []);
  });

  test('20 times over, with 10 processes', () => {
    const script = `for n in 1 2 3 4 5 6 7 8 9; do (while :; do sleep 1; done) & done; ${COUNTER}`;
    let id = made.start(script);
    for (let round = 0; round < 20; round++) {
      countsOn(box.rootfs, countIn(box.rootfs));
      const images = made.checkpoint(id);
      const reached = countIn(box.rootfs);
      id = made.restore(images);
      countsOn(box.rootfs, reached);
    }
    const shells = box.tsoci('exec', id, 'sh', '-c', 'ps | grep -c "[s]h -c for"');
    assert.is(shells.stdout, '10\n', shells.stderr);
    made.end(id);
    assert.equal(box.leftovers(), []);
  });

  test('a connection on the loopback, with --tcp-established only', () => {
    const server = 'sleep 1000 | busybox nc -l -p 4711 >/tmp/received & sleep 0.3';
    const client =
      '(n=0; while :; do echo $n; n=$((n+1)); busybox usleep 20000; done) | busybox nc 127.0.0.1 4711';
    const id = made.start(`${server}; ${client}`);
    const received = () =>
      readFileSync(join(box.rootfs, 'tmp/received'), 'utf8').trim().split('\n').map(Number);
    eventually('something is received', () => (received().at(-1) ?? 0) > 2);
    const images = made.images();
    const refused = made.tsoci('checkpoint', '--image-path', images, id);
    assert.is(refused.status, 1);
    assert.match(refused.stderr, /checkpoint .*: .*Connected TCP socket.*; .*dump\.log tells more/);
    assert.is(box.state(id).status, 'running');
    const kept = made.checkpoint(id, '--tcp-established');
    const before = received().at(-1) ?? 0;
    const other = made.restore(kept, '--tcp-established');
    eventually('more is received', () => (received().at(-1) ?? 0) > before + 2);
    const all = received();
    assert.equal(
      all,
      all.map((_, i) => i),
      'none is lost or comes twice',
    );
    made.end(other);
  });

  test('a timer that is pending', () => {
    // nc ends by alarm(2).
    const id = made.start('touch /tmp/begun; busybox nc -l -p 9 -w 4; echo $? >/tmp/ended; sleep 1000');
    eventually('nc waits', () => countOf('tmp/begun') !== undefined);
    const other = made.restore(made.checkpoint(id));
    eventually('nc has ended', () => countOf('tmp/ended') !== undefined);
    assert.is(countOf('tmp/ended'), '1\n');
    made.end(other);
  });

  const countOf = (path: string) => {
    try {
      return readFileSync(join(box.rootfs, path), 'utf8');
    } catch {
      return undefined;
    }
  };

  test('a user namespace', () => {
    mkdirSync(join(box.rootfs, 'tmp'), { recursive: true });
    const id = made.start(COUNTER, (config) => {
      userNamespace(config);
      config.mounts?.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs' });
    });
    const count = (of: string) => Number(box.tsoci('exec', of, 'cat', '/tmp/count').stdout || -1);
    eventually('it counts', () => count(id) > 0);
    const reached = count(id);
    const other = made.restore(made.checkpoint(id));
    eventually('it goes on', () => count(other) > reached);
    const { pid } = box.state(other);
    assert.match(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), /^\s*0\s+100000\s+65536\n$/);
    assert.is(
      box.tsoci('exec', other, 'sh', '-c', 'id -u; echo x >/dev/null && stat -c %t:%T /dev/zero').stdout,
      '0\n1:5\n',
    );
    made.end(other);
    assert.equal(box.leftovers(), []);
  });

  test.after(() => made.close());
}

test.run();
