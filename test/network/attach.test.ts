// Containers attached to a bridge: what they reach, what is made, and what is left behind.

import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { attach } from '../../src/network/attach.ts';
import { detach } from '../../src/network/detach.ts';
import type { Lease } from '../../src/network/leases.ts';
import { parseSettings, readOptions } from '../../src/network/network-options.ts';
import { readNetworks } from '../../src/network/network-store.ts';
import type { StubProcess } from '../../src/stub/stub-process.ts';
import { testCaller } from '../launcher/driven.ts';
import { ask, missingDevices, pings, run, runIn, serve, withWorld } from './world.ts';

const suiteOfAttach = suite('network attach');
const reason = missingDevices();
if (reason) console.log(`skip: network attach: ${reason}`);
const test = reason ? suiteOfAttach.skip : suiteOfAttach;

const hookState = (id: string, pid: number) => ({ id, pid, bundle: `/bundles/${id}`, annotations: {} });
const options = (settings: string) => readOptions(parseSettings(settings));

function attachTo(directory: string, id: string, container: StubProcess, settings = ''): void {
  attach(testCaller(), hookState(id, container.pid), options(settings), directory);
}

/** As a poststop hook is called: without a process. */
function detachFrom(directory: string, id: string, settings = ''): void {
  detach(hookState(id, 0), options(settings), directory);
}

function leases(directory: string, bridge = 'tsoci0'): readonly Lease[] {
  return readNetworks(directory)[bridge]?.leases ?? [];
}

function leaseOf(directory: string, id: string): Lease {
  const lease = leases(directory).find(({ container }) => container === id);
  assert.ok(lease, `${id} has a lease`);
  return lease;
}

interface Shown {
  ifname: string;
  mtu: number;
  address: string;
  addr_info: { local: string; prefixlen: number; broadcast?: string; scope: string; tentative?: boolean }[];
}

function shown(pid: number, ...args: string[]): Shown[] {
  return JSON.parse(runIn(pid, 'ip', '-j', 'addr', 'show', ...args)) as Shown[];
}

/** The host's devices but loopback. */
const devices = () =>
  shown(process.pid)
    .map(({ ifname }) => ifname)
    .filter((name) => name !== 'lo');

function assertNothingLeft(directory: string): void {
  assert.equal(devices(), []);
  assert.not(existsSync(directory), 'no lease is left');
}

test('two containers and the host ping and speak TCP, by IPv4 and IPv6', async () => {
  await withWorld(2, async ({ directory, containers: [a, b] }) => {
    const settings = 'subnet=10.89.0.0/24,subnet=fd00:89::/64';
    attachTo(directory, 'a', a, settings);
    attachTo(directory, 'b', b, settings);
    for (const address of ['10.89.0.3', '10.89.0.1', 'fd00:89::3', 'fd00:89::1'])
      assert.ok(pings(a.pid, address), `a pings ${address}`);
    for (const address of ['10.89.0.2', '10.89.0.3', 'fd00:89::2', 'fd00:89::3'])
      assert.ok(pings(process.pid, address), `the host pings ${address}`);
    await serve(b.pid, '::', 80);
    await serve(process.pid, '::', 81);
    assert.is(ask(a.pid, '10.89.0.3', 80), '10.89.0.2');
    assert.is(ask(a.pid, 'fd00:89::3', 80), 'fd00:89::2');
    assert.is(ask(process.pid, '10.89.0.3', 80), '10.89.0.1');
    assert.is(ask(a.pid, '10.89.0.1', 81), '10.89.0.2');
    assert.ok(pings(a.pid, '127.0.0.1'), 'loopback is up');
    detachFrom(directory, 'a', settings);
    assert.not(pings(process.pid, '10.89.0.2'));
    assert.ok(pings(process.pid, '10.89.0.3'), 'b is still there');
    detachFrom(directory, 'b', settings);
    assertNothingLeft(directory);
  });
});

test('a container has what was asked for', async () => {
  await withWorld(1, ({ directory, containers: [a] }) => {
    const settings =
      'bridge=br7,interface=net0,subnet=10.7.0.0/16,gateway=10.7.255.254,ip=10.7.3.4,mtu=1400,mac=02:aa:00:00:00:01';
    attachTo(directory, 'a', a, settings);
    const [device] = shown(a.pid, 'net0');
    assert.is(device?.mtu, 1400);
    assert.is(device?.address, '02:aa:00:00:00:01');
    const [address] = device?.addr_info ?? [];
    assert.is(address?.local, '10.7.3.4');
    assert.is(address?.prefixlen, 16);
    assert.is(address?.broadcast, '10.7.255.255');
    assert.match(runIn(a.pid, 'ip', 'route', 'show', 'default'), /^default via 10\.7\.255\.254 dev net0/);
    const [lease] = leases(directory, 'br7');
    const host = run('ip', 'link', 'show', lease?.device ?? '');
    assert.match(host, /mtu 1400 .* master br7 .*alias net0 of a\n/s);
    assert.is(shown(process.pid, 'br7')[0]?.mtu, 1400, 'the bridge follows its ports');
    detachFrom(directory, 'a', settings);
    assertNothingLeft(directory);
  });
});

test('large frames pass between containers with a large MTU', async () => {
  await withWorld(2, ({ directory, containers: [a, b] }) => {
    attachTo(directory, 'a', a, 'mtu=9000');
    attachTo(directory, 'b', b);
    assert.is(shown(b.pid, 'eth0')[0]?.mtu, 9000, 'without a setting the MTU is that of the bridge');
    assert.ok(pings(a.pid, '10.89.0.3', 8972));
    // Reassembled fragments are counted (RFC 1213): there are none.
    assert.match(runIn(b.pid, 'cat', '/proc/net/snmp'), /\nIp: (\d+ ){15}0 /);
  });
});

test('IPv6 alone works, and its addresses are not tentative', async () => {
  await withWorld(2, ({ directory, containers: [a, b] }) => {
    attachTo(directory, 'a', a, 'subnet=fd00:89::/64');
    attachTo(directory, 'b', b);
    const global = shown(b.pid, 'eth0')[0]?.addr_info.filter(({ scope }) => scope === 'global');
    assert.is(global?.[0]?.local, 'fd00:89::3');
    assert.not(global?.[0]?.tentative);
    assert.ok(pings(a.pid, 'fd00:89::3'));
    assert.match(runIn(a.pid, 'ip', '-6', 'route', 'show', 'default'), /via fd00:89::1 dev eth0/);
  });
});

test('attaching again changes nothing; with other options it is made anew', async () => {
  await withWorld(1, ({ directory, containers: [a] }) => {
    attachTo(directory, 'a', a);
    const before = leaseOf(directory, 'a');
    attachTo(directory, 'a', a);
    assert.equal(leases(directory), [before]);
    attachTo(directory, 'a', a, 'ip=10.89.0.77');
    const after = leaseOf(directory, 'a');
    assert.is(leases(directory).length, 1);
    assert.equal(after.addresses, ['10.89.0.77']);
    assert.equal(devices().sort(), ['tsoci0', after.device].sort());
    assert.ok(pings(process.pid, '10.89.0.77'));
    runIn(a.pid, 'ip', 'link', 'delete', 'eth0');
    attachTo(directory, 'a', a, 'ip=10.89.0.77');
    assert.ok(pings(process.pid, '10.89.0.77'), 'a device that was lost is made again');
    detachFrom(directory, 'a');
    detachFrom(directory, 'a');
    assertNothingLeft(directory);
  });
});

test('a container can be in two networks; the first gives the default route', async () => {
  await withWorld(1, ({ directory, containers: [a] }) => {
    const second = 'bridge=tsoci1,interface=eth1,subnet=10.90.0.0/24';
    attachTo(directory, 'a', a);
    attachTo(directory, 'a', a, second);
    assert.match(runIn(a.pid, 'ip', 'route', 'show', 'default'), /^default via 10\.89\.0\.1 [^\n]*\n$/);
    assert.ok(pings(a.pid, '10.90.0.1'));
    detachFrom(directory, 'a');
    assert.ok(pings(a.pid, '10.90.0.1'));
    detachFrom(directory, 'a', second);
    assertNothingLeft(directory);
  });
});

test('half-done work is undone: the container refuses IPv6', async () => {
  await withWorld(2, ({ directory, containers: [a, b] }) => {
    const settings = 'subnet=10.89.0.0/24,subnet=fd00::/64,publish=8080:80,masquerade';
    runIn(a.pid, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6');
    assert.throws(() => attachTo(directory, 'a', a, settings), /give eth0 the address fd00::2\/64: E/);
    assertNothingLeft(directory);
    attachTo(directory, 'b', b, settings);
    const before = readNetworks(directory);
    assert.throws(() => attachTo(directory, 'a', a, settings.replace('8080', '8081')), /give eth0/);
    assert.equal(readNetworks(directory), before);
    assert.is(devices().length, 2);
    assert.ok(pings(b.pid, '10.89.0.1'));
    assert.is(shown(a.pid).length, 1, 'a has no device but loopback');
  });
});

test('what cannot be attached is refused', async () => {
  await withWorld(1, ({ directory, containers: [a] }) => {
    const own = hookState('self', process.pid);
    assert.throws(() => attach(testCaller(), own, options(''), directory), /no network namespace of its own/);
    assert.throws(
      () => attach(testCaller(), hookState('a', 0), options(''), directory),
      /has no process to attach/,
    );
    runIn(a.pid, 'ip', 'link', 'add', 'eth0', 'type', 'bridge');
    assert.throws(() => attachTo(directory, 'a', a), /has a network device eth0 already/);
    run('ip', 'link', 'add', 'x', 'type', 'veth', 'peer', 'y');
    assert.throws(() => attachTo(directory, 'a', a, 'bridge=x,interface=eth1'), /device x is no bridge/);
    run('ip', 'link', 'delete', 'x');
    assertNothingLeft(directory);
  });
});

test('a bridge that was there stays, without the address that it was given', async () => {
  await withWorld(2, ({ directory, containers: [a, b] }) => {
    run('ip', 'link', 'add', 'office', 'type', 'bridge');
    run('ip', 'addr', 'add', '10.3.0.200/24', 'dev', 'office');
    attachTo(directory, 'a', a, 'bridge=office,subnet=10.3.0.0/24');
    attachTo(directory, 'b', b, 'bridge=office,subnet=10.3.0.0/24,ip=10.3.0.199');
    assert.throws(
      () => attachTo(directory, 'b', b, 'bridge=office,subnet=10.3.0.0/24,ip=10.3.0.200'),
      /ip 10.3.0.200 is in use on the host/,
    );
    assert.ok(pings(a.pid, '10.3.0.1'));
    detachFrom(directory, 'a', 'bridge=office');
    detachFrom(directory, 'b', 'bridge=office');
    assert.equal(devices(), ['office']);
    const addresses = shown(process.pid, 'office')[0]?.addr_info.filter(({ scope }) => scope === 'global');
    assert.equal(
      addresses?.map(({ local }) => local),
      ['10.3.0.200'],
    );
    assert.not(existsSync(directory));
  });
});

test('the lease of a container that died without detach is reclaimed', async () => {
  await withWorld(2, ({ directory, containers: [a, b] }) => {
    const settings = 'subnet=10.89.0.0/30';
    attachTo(directory, 'a', a, settings);
    assert.throws(() => attachTo(directory, 'b', b, settings), /all addresses of 10.89.0.0\/30 are in use/);
    const { device } = leaseOf(directory, 'a');
    a.dismiss();
    // The kernel removes the devices of a namespace some time after its last process.
    for (let tries = 0; tries < 100 && devices().includes(device); tries++) run('sleep', '0.05');
    attachTo(directory, 'b', b, settings);
    assert.equal(
      leases(directory).map(({ container }) => container),
      ['b'],
    );
    assert.ok(pings(process.pid, '10.89.0.2'));
    detachFrom(directory, 'b', settings);
    assertNothingLeft(directory);
  });
});

suiteOfAttach.run();
