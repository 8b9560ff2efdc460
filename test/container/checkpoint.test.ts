// checkpoint and restore with criu: what runs goes on, under another id, from another bundle.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hookNames } from '../../src/config/rules/hooks.ts';
import { closeDescriptor, makePipe, readable } from '../../src/linux/descriptor.ts';
import { Checkpoints, COUNTER, countIn, countsOn, workingCriu } from './checkpoints.ts';
import { comes, start, status } from './foreground.ts';
import { type Change, eventually, userNamespace } from './harness.ts';
import { StreamListener } from './stream-listener.ts';

const test = suite('checkpoint');
const criu = workingCriu();

if (criu) {
  const made = new Checkpoints(criu);
  const { box } = made;

  const contentOf = (path: string) => {
    try {
      return readFileSync(join(box.rootfs, path), 'utf8');
    } catch {
      return undefined;
    }
  };

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
    const received = () => (contentOf('tmp/received') ?? '').trim().split('\n').map(Number);
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
    if (/Version: 3\./.test(spawnSync(made.criu, ['--version'], { encoding: 'utf8' }).stdout)) {
      console.log('skip: the timer: criu 3.17 loses alarm(2) on the kernel of the guest, criu 4.2 does not');
      return;
    }
    // nc ends by alarm(2).
    const id = made.start('touch /tmp/begun; busybox nc -l -p 9 -w 10; echo $? >/tmp/ended; sleep 1000');
    eventually('nc waits', () => contentOf('tmp/begun') !== undefined);
    const other = made.restore(made.checkpoint(id));
    eventually('nc has ended', () => contentOf('tmp/ended') !== undefined);
    assert.is(contentOf('tmp/ended'), '1\n');
    made.end(other);
  });

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

  test('bind mounts, a masked file and a read-only path: of the new bundle, and as confined as before', () => {
    const [first, second] = ['first', 'second'].map((name) => {
      const directory = join(box.directory, name);
      mkdirSync(directory);
      writeFileSync(join(directory, 'content'), name);
      return directory;
    });
    const withSource =
      (source: string | undefined): Change =>
      ({ linux, mounts }) => {
        linux.maskedPaths = ['/proc/keys', '/proc/acpi'];
        linux.readonlyPaths = ['/proc/sys'];
        mounts?.push({ destination: '/mnt', type: 'bind', source: source ?? '', options: ['rbind', 'ro'] });
      };
    const script =
      'cat /mnt/content; (echo x >/mnt/content) 2>&1; cat /proc/keys; (echo x >/proc/sys/kernel/panic) 2>&1; ls /proc/acpi';
    const look = (id: string) => box.tsoci('exec', id, 'sh', '-c', script).stdout;
    const id = made.start('sleep 1000', withSource(first));
    const before = look(id);
    assert.match(before, /^first.*Read-only.*Read-only/s);
    const images = made.checkpoint(id);
    box.configure('sleep 1000', withSource(second));
    const other = made.restore(images);
    assert.is(look(other), before.replace('first', 'second'));
    made.end(other);
  });

  test('a network namespace by path: another one after', () => {
    const holders = [1, 2].map(() => spawn('unshare', ['-n', 'sleep', '1000'], { stdio: 'ignore' }));
    const paths = holders.map(({ pid }) => `/proc/${pid}/ns/net`);
    const own = readlinkSync('/proc/self/ns/net');
    eventually('they are there', () => paths.every((path) => readlinkSync(path) !== own));
    const joining =
      (path: string | undefined): Change =>
      ({ linux }) => {
        linux.namespaces = (linux.namespaces ?? []).map((one) =>
          one.type === 'network' ? { type: 'network', path: path ?? '' } : one,
        );
      };
    const networkOf = (id: string) => readlinkSync(`/proc/${box.state(id).pid}/ns/net`);
    const id = made.start('sleep 1000', joining(paths[0]));
    assert.is(networkOf(id), readlinkSync(paths[0] ?? ''));
    const images = made.checkpoint(id);
    box.configure('sleep 1000', joining(paths[1]));
    const other = made.restore(images);
    assert.is(networkOf(other), readlinkSync(paths[1] ?? ''));
    made.end(other);
    for (const holder of holders) holder.kill();
  });

  /** A command whose standard output is a pipe: those of Node are sockets. */
  function startOnPipe(...args: string[]): { child: ChildProcess; text: () => string } {
    const { reader, writer } = makePipe();
    const child = start(box, ['ignore', writer, 'ignore'], ...args);
    closeDescriptor(writer);
    const buffer = Buffer.alloc(65_536);
    let all = '';
    const text = () => {
      if (readable(reader, 0)) all += buffer.toString('utf8', 0, readSync(reader, buffer));
      return all;
    };
    return { child, text };
  }

  test('standard streams that are pipes become those of restore, in the foreground with its exit status', async () => {
    const id = box.id();
    box.configure('trap "exit 7" TERM; while :; do echo more; busybox usleep 50000; done');
    const before = startOnPipe('run', id);
    await comes('it writes', () => before.text().includes('more'));
    const images = made.checkpoint(id);
    await status(before.child);
    const other = box.id();
    const { child: restored, text } = startOnPipe(
      '--criu',
      made.criu,
      'restore',
      '--image-path',
      images,
      other,
    );
    await comes('it goes on', () => text().includes('more'));
    restored.kill('SIGTERM');
    assert.is(await status(restored), 7);
    assert.match(text(), /^(more\n)+$/);
    assert.match(box.tsoci('state', other).stderr, /does not exist/);
  });

  test('a terminal: its master goes to the console socket', () => {
    const terminal: Change = ({ process }) => {
      process.terminal = true;
    };
    const consoles = new StreamListener(join(box.directory, 'console'));
    const socket = ['--console-socket', join(box.directory, 'console')];
    const id = box.id();
    box.configure('while read line; do echo "got $line"; done', terminal);
    assert.is(box.detached('run', '--detach', ...socket, id), 0);
    const [old = -1] = consoles.received()?.fds ?? [];
    const images = made.checkpoint(id);
    closeDescriptor(old);
    const other = made.restore(images, ...socket);
    const [master = -1] = consoles.received()?.fds ?? [];
    writeSync(master, 'it\n');
    const shown = Buffer.alloc(100);
    let text = '';
    eventually('it answers', () => {
      if (readable(master, 0)) text += shown.toString('utf8', 0, readSync(master, shown));
      return text.includes('got it');
    });
    assert.is(box.tsoci('exec', other, 'sh', '-c', 'test -c /dev/console && echo yes').stdout, 'yes\n');
    closeDescriptor(master);
    consoles.close();
    made.end(other);
  });

  test('hooks: prestart and createRuntime before it goes on, poststop at each end', () => {
    const out = join(box.directory, 'hooks');
    const hooked: Change = (config) => {
      config.hooks = Object.fromEntries(
        hookNames.map((name) => [name, [{ path: '/bin/sh', args: ['sh', '-c', `echo ${name} >>${out}`] }]]),
      );
      delete config.hooks.startContainer;
    };
    const ran = () => readFileSync(out, 'utf8').trim().split('\n');
    const id = made.start('sleep 1000', hooked);
    const before = ran().length;
    const images = made.checkpoint(id);
    const other = made.restore(images);
    assert.equal(ran().slice(before), ['poststop', 'prestart', 'createRuntime']);
    made.end(other);
    assert.is(ran().at(-1), 'poststop');
  });

  test('--leave-running, and --pre-dump with --parent-path', () => {
    const id = made.start(COUNTER);
    countsOn(box.rootfs, 0);
    made.checkpoint(id, '--leave-running');
    countsOn(box.rootfs, countIn(box.rootfs));
    const first = made.images();
    const second = made.images();
    const dump = (...args: string[]) => made.tsoci('checkpoint', ...args, id);
    const before = dump('--pre-dump', '--image-path', first);
    if (/has no mem_track/.test(before.stderr)) {
      console.log('skip: --pre-dump: this kernel does not track memory (CONFIG_MEM_SOFT_DIRTY)');
      return made.end(id);
    }
    assert.is(before.status, 0, before.stderr);
    countsOn(box.rootfs, countIn(box.rootfs));
    const after = dump('--parent-path', `../${basename(first)}`, '--image-path', second);
    assert.is(after.status, 0, after.stderr);
    assert.is(readlinkSync(join(second, 'parent')), `../${basename(first)}`);
    const reached = countIn(box.rootfs);
    const other = made.restore(second);
    countsOn(box.rootfs, reached);
    made.end(other);
  });

  test('a paused container stays paused, and what is restored of it runs', () => {
    const id = made.start(COUNTER);
    countsOn(box.rootfs, 0);
    if (box.tsoci('pause', id).status !== 0) return made.end(id);
    const images = made.checkpoint(id, '--leave-running');
    assert.is(box.state(id).status, 'paused');
    made.end(id);
    const reached = countIn(box.rootfs);
    const other = made.restore(images);
    assert.is(box.state(other).status, 'running');
    countsOn(box.rootfs, reached);
    made.end(other);
  });

  test('images that are not whole: an error that says so, and nothing is left', () => {
    const images = made.checkpoint(made.start('sleep 1000'));
    rmSync(join(images, 'inventory.img'));
    const { status, stderr } = made.tsoci('restore', '--detach', '--image-path', images, box.id());
    assert.is(status, 1);
    assert.match(stderr, /restore .*; .*restore\.log tells more/, stderr);
    assert.equal(box.leftovers(), []);
  });

  test.after(() => made.close());
}

test.run();
