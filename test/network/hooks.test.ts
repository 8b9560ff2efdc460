// `tsoci network` as a hook: many at once, and with runc as the runtime.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unbuilt } from '../../scripts/unbuilt.ts';
import type { Config } from '../../src/config/generated/types.ts';
import { injectNetwork } from '../../src/network/inject.ts';
import { ANNOTATION } from '../../src/network/network-options.ts';
import { readNetworks } from '../../src/network/network-store.ts';
import { ask, missingDevices, missingNftables, pings, run, serve, withWorld } from './world.ts';

const suiteOfHooks = suite('network hooks');
const reason = missingDevices();
if (reason) console.log(`skip: network hooks: ${reason}`);
const test = reason ? suiteOfHooks.skip : suiteOfHooks;

const WORKER = join(import.meta.dirname, 'worker.ts');

const devices = () => run('ip', '-br', 'link').trim().split('\n').length - 1;

/** Runs `tsoci network` with a state on its standard input; what it says on standard error when it fails. */
async function hook(state: object, ...args: string[]): Promise<string | undefined> {
  const child = spawn(unbuilt(), ['network', ...args], {
    stdio: ['pipe', 'inherit', 'pipe'],
    timeout: 300_000,
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  child.stdin.end(JSON.stringify(state));
  const status = await new Promise((resolve) => child.once('close', resolve));
  return status === 0 ? undefined : errors || `status ${status}`;
}

const workers: ChildProcess[] = [];

suiteOfHooks.after(() => {
  for (const worker of workers) worker.kill();
});

/** A process that works on several containers: tells what it answers to an action. */
function startWorker(directory: string, states: object[]): (action: string) => Promise<string> {
  const args = [WORKER, directory, JSON.stringify(states)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: 300_000 });
  workers.push(child);
  return (action) =>
    new Promise((resolve) => {
      child.stdout.once('data', (answer) => resolve(String(answer).trim()));
      child.once('exit', (status) => resolve(`status ${status}`));
      child.stdin.write(`${action}\n`);
    });
}

test('100 attached and detached by 20 at once: no address twice, nothing left', async () => {
  await withWorld(100, async ({ directory, containers }) => {
    const states = containers.map(({ pid }, i) => {
      return { id: `c${i}`, pid, bundle: `/b/${i}`, annotations: {} };
    });
    const crew = Array.from({ length: 20 }, (_, i) => {
      return startWorker(directory, states.slice(i * 5, i * 5 + 5));
    });
    const all = (action: string) => Promise.all(crew.map((work) => work(action)));
    // The first round starts the workers, the second finds them all ready.
    for (let round = 0; round < 2; round++) {
      assert.equal([...new Set(await all('attach'))], ['done']);
      const leases = readNetworks(directory).tsoci0?.leases ?? [];
      assert.is(leases.length, 100);
      assert.is(new Set(leases.flatMap(({ addresses }) => addresses)).size, 100);
      assert.ok(leases.every(({ complete }) => complete));
      assert.is(devices(), 101);
      const [first, last] = [containers[0], leases.find(({ container }) => container === 'c99')];
      assert.ok(pings(first?.pid ?? 0, last?.addresses[0] ?? ''));
      assert.equal([...new Set(await all('detach'))], ['done']);
      assert.is(devices(), 0);
      assert.not(existsSync(directory));
    }
    const half = crew.map((work, i) => work(i % 2 ? 'attach' : 'detach'));
    assert.equal([...new Set(await Promise.all(half))], ['done']);
    const swapped = crew.map((work, i) => work(i % 2 ? 'detach' : 'attach'));
    assert.equal([...new Set(await Promise.all(swapped))], ['done']);
    assert.is(readNetworks(directory).tsoci0?.leases.length, 50);
    assert.is(devices(), 51);
    await all('detach');
    assert.is(devices(), 0);
  });
});

test('a wrong use is told on standard error', async () => {
  await withWorld(1, async ({ directory, containers: [a] }) => {
    const state = { id: 'a', pid: a?.pid ?? 0, bundle: '/b' };
    const say = (given: object, ...args: string[]) => hook(given, ...args, '--state-dir', directory);
    assert.match((await say(state, 'attach', '--subnet', '10.0.0.1/24')) ?? '', /10.0.0.0\/24 is meant\?/);
    assert.match((await say({ pid: 1 }, 'attach')) ?? '', /not as runtime.md#state says: id is no string/);
    assert.match((await say(state, 'atach')) ?? '', /"atach" is none of attach, detach, list/);
    const annotations = { [ANNOTATION]: 'bride=x' };
    assert.match((await say({ ...state, annotations }, 'attach')) ?? '', /unknown network setting "bride"/);
    assert.not(existsSync(directory));
  });
});

const runcReason =
  spawnSync('runc', ['--version']).status !== 0
    ? 'runc is not installed'
    : !existsSync('/bin/busybox')
      ? 'busybox is not installed'
      : missingNftables();
if (runcReason) console.log(`skip: network hooks under runc: ${runcReason}`);
const withRunc = reason || runcReason ? suiteOfHooks.skip : suiteOfHooks;

/** A bundle of runc's own making with busybox as its root, and a process that waits. */
function makeBundle(directory: string, change: (config: Config) => Config): string {
  const bin = join(directory, 'rootfs', 'bin');
  mkdirSync(bin, { recursive: true });
  cpSync('/bin/busybox', join(bin, 'busybox'), { dereference: true });
  for (const name of ['sleep', 'ip', 'nc']) symlinkSync('busybox', join(bin, name));
  run('runc', 'spec', '--bundle', directory);
  const path = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as Config;
  config.process = { ...config.process, cwd: '/', terminal: false, args: ['sleep', '600'] };
  writeFileSync(path, JSON.stringify(change(config)));
  return directory;
}

withRunc('runc runs the hooks that --network injects', async () => {
  await withWorld(0, async ({ directory }) => {
    const parent = dirname(directory);
    // Hooks have no environment and no shell: a script stands for the executable.
    const executable = join(parent, 'tsoci');
    const script = `#!/bin/sh\nexec ${unbuilt()} "$@" --state-dir ${directory}\n`;
    writeFileSync(executable, script);
    chmodSync(executable, 0o755);
    const spec = 'subnet=10.89.0.0/24,subnet=fd00:89::/64,mtu=1400';
    const inject = (more: string) => (config: Config) => injectNetwork(config, spec + more, executable);
    const web = makeBundle(join(parent, 'web'), inject(',ip=10.89.0.80,publish=8080:80'));
    const client = makeBundle(join(parent, 'client'), inject(''));
    const root = join(parent, 'runc');
    const runc = (...args: string[]) => run('runc', '--root', root, ...args);
    const start = (id: string, bundle: string) => {
      // Detached, the container keeps our descriptors: they must be no pipes that we read to their end.
      const args = ['--root', root, 'run', '--detach', '--bundle', bundle, id];
      const { status } = spawnSync('runc', args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 60_000 });
      assert.is(status, 0, `runc runs ${id}`);
      return (JSON.parse(runc('state', id)) as { pid: number }).pid;
    };
    const ids = { web: `tsoci-test-web-${process.pid}`, client: `tsoci-test-client-${process.pid}` };
    try {
      const server = start(ids.web, web);
      const other = start(ids.client, client);
      // runc's default capabilities leave out CAP_NET_RAW, so ping runs in the container's namespace only.
      assert.ok(pings(other, '10.89.0.80'));
      assert.ok(pings(other, 'fd00:89::1'));
      assert.match(runc('exec', ids.client, 'ip', 'link', 'show', 'eth0'), /mtu 1400/);
      await serve(server, '::', 80);
      assert.is(ask(other, '10.89.0.80', 80), '10.89.0.2');
      assert.is(runc('exec', ids.client, 'nc', '-w', '2', 'fd00:89::2', '80').trim(), 'fd00:89::3');
      assert.is(ask(process.pid, '127.0.0.1', 8080), undefined, 'lo of the host is down');
      run('ip', 'link', 'set', 'lo', 'up');
      assert.is(ask(process.pid, '127.0.0.1', 8080), '10.89.0.1');
    } finally {
      for (const id of Object.values(ids)) spawnSync('runc', ['--root', root, 'delete', '--force', id]);
    }
    assert.is(devices(), 0);
    assert.not(existsSync(directory), 'poststop hooks released the leases');
  });
});

suiteOfHooks.run();
