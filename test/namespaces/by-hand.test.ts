// tsoci ns add, delete and run: namespaces without a bundle.
//
// As root the test is in a mount namespace of its own, with an empty /run: what it pins is nobody else's.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pause } from '../../src/linux/sleep.ts';
import { findPin } from '../../src/namespaces/pins.ts';
import { comes, start, status } from '../container/foreground.ts';
import { eventually, Sandbox, tsociPath } from '../container/harness.ts';
import { Pseudoterminal } from '../container/pseudoterminal.ts';
import { enterPrivateRun } from '../launcher/server.ts';

const isRoot = process.getuid?.() === 0;
if (isRoot) enterPrivateRun(import.meta.filename);

const test = suite('namespaces: by hand');
const box = new Sandbox();
const types = ['mount', 'network', 'uts', 'ipc', 'cgroup', 'time'] as const;
const kinds = ['--mount', '--net', '--uts', '--ipc', '--cgroup', '--time=+1d'];

/** The words that a command printed. */
function ran(...args: string[]): string {
  const { status, stdout, stderr } = box.tsoci('ns', 'run', ...args);
  assert.is(status, 0, stderr);
  return stdout.trim();
}

function refused(...args: string[]): string {
  const { status, stderr } = box.tsoci('ns', ...args);
  assert.is(status, 1, stderr);
  return stderr;
}

interface View {
  name: string;
  pinned?: boolean;
  namespaces: Record<string, { inode: number; host: boolean; pids: number[]; path?: string }>;
}

function views(...args: string[]): View[] {
  return JSON.parse(box.tsoci('ns', '--json', ...args).stdout);
}

function uptime(text: string): number {
  return Number(text.split(' ')[0]);
}

test('wrong use is told, with what would be right', () => {
  assert.match(
    refused('run', '--net', 'true'),
    /"--" and a command are needed: ns run \[OPTIONS\] \[NAME\] --/,
  );
  assert.match(refused('run', '--net', '--'), /a command are needed/);
  assert.match(refused('run', '--', 'true'), /no namespaces are named/);
  assert.match(refused('run', 'no-such', '--', 'true'), /no namespaces are called no-such/);
  assert.match(refused('run', '--time=soon', '--', 'true'), /"soon" is no time such as \+1d/);
  assert.match(refused('run', '--user=me', '--', 'true'), /"me" is none of auto, root, keep/);
  assert.match(refused('add', '--net'), /one NAME is needed/);
  assert.match(refused('add', 'name'), /no namespaces are named/);
  assert.match(
    refused('add', '--pid', 'name'),
    /a pid namespace cannot be pinned: it ends with its first process/,
  );
  for (const name of ['..', 'a/b', '.x', '-x', 'a b', 'x'.repeat(256)])
    assert.match(refused('add', '--net', '--', name), /invalid name|longer than 255/, name);
  assert.match(refused('delete', 'no-such'), /no namespaces are called no-such/);
  assert.match(refused('enter', '--user=keep', '1', '--', 'true'), /--user and --time take no value/);
});

for (const user of isRoot ? [undefined, '--user'] : ['--user']) {
  const own = user === undefined ? [] : [user];
  test(`run makes what it is asked for and nothing else${user ? ', for root of a user namespace' : ''}`, () => {
    const look = 'for kind in mnt net pid uts ipc user cgroup time; do readlink /proc/self/ns/$kind; done';
    const inside = ran(...own, '--uts', '--time', '--', 'sh', '-c', look).split('\n');
    const changed = inside.filter((link) => {
      const kind = link.split(':')[0] ?? '';
      return readlinkSync(`/proc/self/ns/${kind === 'mnt' ? 'mnt' : kind}`) !== link;
    });
    const names = changed.map((link) => link.split(':')[0]);
    assert.equal(names, ['uts', ...(user ? ['user'] : []), 'time']);
  });

  test(`run as process 1 with a /proc of its own, clocks ahead, loopback up${user ? ', as root of a user namespace' : ''}`, () => {
    const script =
      'echo $$; id -u; ls /proc | grep -c "^[0-9]"; cat /proc/uptime; cat /sys/class/net/lo/flags; hostname of-its-own && hostname';
    const [pid, uid, count, up = '', , name] = ran(
      ...[...own, '--pid', '--net', '--uts', '--time=+1d', '--', 'sh', '-c', script],
    ).split('\n');
    assert.equal([pid, uid, name], ['1', '0', 'of-its-own']);
    assert.is(Number(count) <= 3, true, count);
    const ahead = uptime(up) - uptime(readFileSync('/proc/uptime', 'utf8'));
    assert.ok(Math.abs(ahead - 86_400) < 100, String(ahead));
  });
}

test("the exit status is that of the command, the working directory and the environment the caller's", () => {
  const own = isRoot ? [] : ['--user'];
  const result = box.tsoci('ns', 'run', ...own, '--uts', '--', 'sh', '-c', 'pwd; exit 7');
  assert.equal([result.status, result.stdout], [7, `${box.bundle}\n`]);
  assert.is(box.tsoci('ns', 'run', ...own, '--uts', '--', 'sh', '-c', 'kill -TERM $$').status, 143);
  assert.match(
    box.tsoci('ns', 'run', ...own, '--uts', '--', 'no-such').stderr,
    /"no-such": executable file not found/,
  );
  const env = { ...process.env, SAID: 'so' };
  const said = box.tsociWith({ env }, 'ns', 'run', ...own, '--uts', '--', 'sh', '-c', 'echo $SAID');
  assert.is(said.stdout, 'so\n');
});

test('signals go on; process 1 that does not handle one is ended all the same', async () => {
  const own = isRoot ? [] : ['--user'];
  for (const [script, expected] of [
    ['echo ready; exec sleep 30', 128 + 15],
    ['trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done', 5],
  ] as const) {
    const args = ['ns', 'run', ...own, '--pid', '--', 'sh', '-c', script];
    const child = start(box, ['ignore', 'pipe', 'ignore'], ...args);
    let out = '';
    child.stdout?.on('data', (data: Buffer) => {
      out += data.toString();
    });
    await comes('ready', () => out === 'ready\n');
    const ended = status(child);
    child.kill('SIGTERM');
    assert.is(await ended, expected, script);
  }
});

test('on a terminal the command has it, and Ctrl-C ends process 1', async () => {
  const own = isRoot ? [] : ['--user'];
  const terminal = new Pseudoterminal();
  try {
    const words = [tsociPath, '--root', box.root, 'ns', 'run', ...own, '--pid', '--'];
    const command = [...words, 'sh', '-c', 'test -t 0 && echo terminal; exec sleep 30'];
    const child = spawn('setsid', ['--ctty', '--wait', ...command], {
      stdio: [terminal.slave, terminal.slave, terminal.slave],
    });
    await comes('terminal', () => terminal.shown.includes('terminal\r\n'));
    const ended = status(child);
    await terminal.type('\x03');
    assert.is(await ended, 130);
  } finally {
    terminal.close();
  }
});

test('--user=keep keeps the caller who he is, and maps nobody else', () => {
  const id = String(process.getuid?.());
  assert.is(ran('--user=keep', '--', 'id', '-u'), id);
  assert.equal(ran('--user=root', '--', 'cat', '/proc/self/uid_map').split(/\s+/), ['0', id, '1']);
});

if (isRoot) {
  test('what is pinned lasts without a process, is shown with who uses it, and can be run in', async () => {
    assert.is(box.tsoci('ns', 'add', 'kept', ...kinds).stderr, '');
    const [kept] = views('kept');
    assert.equal(Object.keys(kept?.namespaces ?? {}).sort(), [...types].sort());
    for (const { pids, host } of Object.values(kept?.namespaces ?? {}))
      assert.equal([pids, host], [[], false]);
    assert.is(kept?.namespaces.network?.path, '/run/netns/kept');
    assert.is(ran('kept', '--', 'readlink', '/proc/self/ns/net'), `net:[${kept?.namespaces.network?.inode}]`);
    const [up = '', directory] = ran(
      'kept',
      '--',
      'sh',
      '-c',
      'hostname kept-host; cat /proc/uptime; pwd',
    ).split('\n');
    assert.ok(uptime(up) > 86_400);
    assert.is(directory, box.bundle);
    assert.is(ran('kept', '--pid', '--', 'sh', '-c', 'hostname; echo $$'), 'kept-host\n1');
    assert.match(refused('run', '--net', 'kept', '--', 'true'), /kept has a network namespace already/);
    const child = start(box, 'ignore', 'ns', 'run', 'kept', '--', 'sleep', '30');
    await comes('a user', () => views('kept')[0]?.namespaces.uts?.pids.length === 1);
    assert.match(box.tsoci('ns').stdout, /host \(\d+\) .*kept \(pinned\)\n/);
    const [user = 0] = views('kept')[0]?.namespaces.network?.pids ?? [];
    assert.is(readlinkSync(`/proc/${user}/exe`).includes('sleep') || existsSync(`/proc/${user}`), true);
    // As with ip netns delete: the name goes, the namespaces when the last process does.
    assert.is(box.tsoci('ns', 'delete', 'kept').status, 0);
    assert.is(findPin(box.root, 'kept'), undefined);
    assert.is(readlinkSync(`/proc/${user}/ns/net`), `net:[${kept?.namespaces.network?.inode}]`);
    const ended = status(child);
    process.kill(user, 'SIGKILL');
    assert.is(await ended, 137);
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), /kept/);
    assert.not.ok(existsSync(`${box.root}-ns`));
  });

  test('a name that is taken is an error that changes nothing, also by half and by ip netns', () => {
    assert.is(box.tsoci('ns', 'add', 'taken', '--uts').status, 0);
    const before = views('taken');
    assert.match(refused('add', 'taken', '--net'), /there are namespaces called taken already/);
    assert.equal(views('taken'), before);
    assert.not.ok(existsSync('/run/netns/taken'));
    // A file that nothing is mounted on: what ip netns leaves when it fails.
    writeFileSync('/run/netns/half', '');
    assert.match(
      refused('add', 'half', '--net', '--uts'),
      /namespaces called half already: tsoci ns delete half/,
    );
    assert.not.ok(existsSync(join(`${box.root}-ns`, 'half')));
    // The second of two places is taken: what the first has got is taken back.
    mkdirSync(join(`${box.root}-ns`, 'other'));
    assert.match(refused('add', 'other', '--net', '--uts'), /there are namespaces called other already/);
    assert.not.ok(existsSync('/run/netns/other'));
    for (const name of ['taken', 'half']) assert.is(box.tsoci('ns', 'delete', name).status, 0);
    assert.match(refused('delete', 'other'), /no namespaces are called other/);
    assert.not.ok(existsSync(`${box.root}-ns`));
  });

  test('ip netns sees what is pinned, and what it adds can be run in', () => {
    const ip = (...args: string[]) => spawnSync('ip', ['netns', ...args], { encoding: 'utf8' });
    if (ip('list').error) return console.log('skip: ip is not installed (Debian: iproute2)');
    assert.is(box.tsoci('ns', 'add', 'ours', '--net').status, 0);
    assert.match(ip('list').stdout, /^ours\b/m);
    const inside = ran('ours', '--', 'readlink', '/proc/self/ns/net');
    assert.is(ip('exec', 'ours', 'readlink', '/proc/self/ns/net').stdout.trim(), inside);
    assert.is(ip('add', 'theirs').status, 0);
    assert.is(
      ran('theirs', '--', 'readlink', '/proc/self/ns/net'),
      ip('exec', 'theirs', 'readlink', '/proc/self/ns/net').stdout.trim(),
    );
    assert.is(ip('delete', 'ours').status, 0);
    assert.is(box.tsoci('ns', 'delete', 'theirs').status, 0);
    assert.is(ip('list').stdout, '');
  });

  test('a container joins what is pinned by its path', () => {
    assert.is(box.tsoci('ns', 'add', 'pod', '--net', '--uts').status, 0);
    const [pod] = views('pod');
    const links = box.run('readlink /proc/self/ns/net; readlink /proc/self/ns/uts', (config) => {
      delete config.hostname;
      for (const namespace of config.linux.namespaces ?? []) {
        const path = pod?.namespaces[namespace.type]?.path;
        if (path) namespace.path = path;
      }
    });
    const { network, uts } = pod?.namespaces ?? {};
    assert.is(links, `net:[${network?.inode}]\nuts:[${uts?.inode}]\n`);
    assert.is(box.tsoci('ns', 'delete', 'pod').status, 0);
  });

  test('a tree: a user namespace has what it owns below it, and its children', () => {
    assert.is(box.tsoci('ns', 'add', 'owner', '--user=root', '--net').status, 0);
    const { stdout } = box.tsoci('ns', '--tree');
    const lines = stdout.split('\n');
    const at = lines.findIndex((line) => /[├└]─ user \d+ pinned as owner: nobody$/.test(line));
    assert.ok(at > 0, stdout);
    assert.match(lines[0] ?? '', /^user \d+ host: \d+ processes$/);
    assert.match(lines[at + 1] ?? '', /^ *│? {2,}└─ network \d+ pinned as owner: nobody$/);
    interface Node {
      type: string;
      pinned: string[];
      host: boolean;
      children: Node[];
    }
    const tree: Node[] = JSON.parse(box.tsoci('ns', '--tree', '--json').stdout);
    const owner = tree.find(({ host }) => host)?.children.find(({ pinned }) => pinned.includes('owner'));
    assert.is(owner?.type, 'user');
    assert.equal(
      owner?.children.map(({ type }) => type),
      ['network'],
    );
    assert.is(ran('owner', '--', 'cat', '/proc/self/uid_map').split(/\s+/).join(' '), '0 0 1');
    assert.is(box.tsoci('ns', 'delete', 'owner').status, 0);
  });

  test('add that is killed at any moment leaves all of it or nothing', () => {
    const add = (name: string, ms: number) => {
      const begun = performance.now();
      const args = ['--root', box.root, 'ns', 'add', name, ...kinds];
      spawnSync(tsociPath, args, { stdio: 'ignore', timeout: ms, killSignal: 'SIGKILL' });
      return performance.now() - begun;
    };
    const whole = Math.min(add('whole1', 10_000), add('whole2', 10_000));
    for (const name of ['whole1', 'whole2']) assert.is(box.tsoci('ns', 'delete', name).status, 0);
    const names = Array.from({ length: 12 }, (_, i) => `killed${i + 1}`);
    for (const [i, name] of names.entries())
      add(name, Math.max(1, Math.ceil((whole * (i + 1)) / names.length)));
    const half = (name: string) => {
      const pin = findPin(box.root, name);
      if (pin) return Object.keys(pin.paths).sort().join() !== [...types].sort().join();
      return [...list('/run/netns'), ...list(`${box.root}-ns`)].includes(name);
    };
    eventually('nothing is there by half', () => !names.some(half));
    // What the last runtime was at when its launcher was killed.
    pause(200);
    assert.equal(names.filter(half), []);
    for (const name of names)
      if (findPin(box.root, name)) assert.is(box.tsoci('ns', 'delete', name).status, 0);
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), /killed/);
  });
} else {
  console.log('skip: pinned namespaces: needs root');
  test('who is not root is told why nothing is pinned', () => {
    assert.match(
      refused('add', 'name', '--net'),
      /it takes the rights of root, since they are kept by bind mounts/,
    );
  });
}

function list(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

test('nothing is left', () => {
  assert.equal(list('/run/netns'), []);
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
