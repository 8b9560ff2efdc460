// `tsoci run --network` and what `tsoci spec --network` writes: a container on a bridge, and nothing left of it.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLONE_NEWNS } from '../../src/linux/constants.ts';
import { check } from '../../src/linux/descriptor.ts';
import { NETLINK_NETFILTER } from '../../src/linux/netlink/netlink-constants.ts';
import { NFNL_SUBSYS_NFTABLES, NFPROTO_INET } from '../../src/linux/netlink/nftables-constants.ts';
import { NetlinkSocket } from '../../src/linux/netlink/socket.ts';
import { Sandbox } from '../container/harness.ts';
import { ask, missingDevices, missingNftables, run, serve, withWorld } from './world.ts';

const suiteOfRun = suite('run --network');
const reason = missingDevices() ?? missingNftables();
if (reason) console.log(`skip: run --network: ${reason}`);
const test = reason ? suiteOfRun.skip : suiteOfRun;

const BRIDGE = 'tsocirun0';
const SUBNET = '10.88.77.0/24';
const SPEC = `bridge=${BRIDGE},subnet=${SUBNET},masquerade,publish=8077:80`;
const box = new Sandbox();

/** A host of its own: no devices, and a /run that is no other test's. */
function inWorld(body: () => Promise<void> | void): Promise<void> {
  return withWorld(0, () => {
    check('make a mount namespace', 'unshare', CLONE_NEWNS);
    run('mount', '--make-rprivate', '/');
    run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
    return body();
  });
}

/** What the kernel and /run have of networks. */
function world(): object {
  return {
    links: (JSON.parse(run('ip', '-json', 'link')) as { ifname: string }[]).map(({ ifname }) => ifname),
    tables: tables(),
    run: readdirSync('/run'),
  };
}

const NOTHING = { links: ['lo'], tables: '', run: [] };

/** The nftables tables of this namespace, as the kernel tells them (NFT_MSG_GETTABLE). */
function tables(): string {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER);
  try {
    const type = (NFNL_SUBSYS_NFTABLES << 8) | 1;
    const request = { doing: 'list tables', type, flags: 0, payload: Buffer.of(NFPROTO_INET, 0, 0, 0) };
    return socket
      .dump(request)
      .map((reply) => /tsoci-[^\0]*/.exec(reply.payload.toString('latin1'))?.[0] ?? 'another')
      .join();
  } finally {
    socket.close();
  }
}

test('the container has an address; afterwards there is no device, lease, table or file', () =>
  inWorld(() => {
    assert.equal(world(), NOTHING);
    box.configure('cat /proc/net/route /proc/net/fib_trie');
    const { status, stdout, stderr } = box.tsoci('run', '--network', SPEC, box.id());
    assert.equal([status, stderr], [0, '']);
    assert.match(stdout, /^eth0\t00000000\t014D580A/m, 'the default route is by 10.88.77.1');
    assert.match(stdout, /10\.88\.77\.2\n\s+\/32 host LOCAL/);
    assert.equal(world(), NOTHING);
  }));

test('while it runs it is in the world, and its published port is reached', () =>
  inWorld(async () => {
    run('ip', 'link', 'set', 'lo', 'up');
    const id = box.id();
    box.configure('sleep 1000');
    assert.is(box.detached('run', '--detach', '--network', SPEC, id), 0);
    assert.match(run('ip', '-br', 'link'), new RegExp(`^${BRIDGE} `, 'm'));
    assert.is(tables(), `tsoci-${BRIDGE}`);
    assert.match(box.tsoci('network', 'list').stdout, new RegExp(`${BRIDGE} +${id} +eth0 +10\\.88\\.77\\.2`));
    await serve(box.state(id).pid, '::', 80);
    assert.is(ask(process.pid, '127.0.0.1', 8077), '10.88.77.1');
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    assert.equal(world(), NOTHING);
  }));

test('a container that fails to start leaves nothing', () =>
  inWorld(() => {
    box.configure('true', ({ process }) => {
      process.args = ['/etc/passwd'];
    });
    const { status, stderr } = box.tsoci('run', '--network', SPEC, box.id());
    assert.is(status, 1);
    assert.match(stderr, /passwd/);
    assert.equal(world(), NOTHING);
  }));

test('spec --network writes both hooks, and run obeys them', () =>
  inWorld(() => {
    const file = join(box.bundle, 'config.json');
    rmSync(file, { force: true });
    const args = ['--no-terminal', '--network', SPEC, '--arg', 'cat', '--arg', '/proc/net/route'];
    const spec = box.tsoci('spec', ...args);
    assert.equal(spec, { ...spec, status: 0, stdout: '', stderr: '' });
    const { hooks } = JSON.parse(readFileSync(file, 'utf8'));
    assert.equal(Object.keys(hooks), ['createRuntime', 'poststop']);
    assert.ok(hooks.poststop[0].args.includes(`--bridge=${BRIDGE}`));
    const { status, stdout, stderr } = box.tsoci('run', box.id());
    assert.equal([status, stderr], [0, '']);
    assert.match(stdout, /^eth0\t00000000\t014D580A/m);
    assert.equal(world(), NOTHING);
  }));

suiteOfRun.after(() => {
  assert.equal(box.leftovers(), []);
  box.close();
  assert.not(existsSync(box.directory));
});
suiteOfRun.run();
