// Masquerading and published ports, with a neighbour of the host as the outside world.

import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { attach } from '../../src/network/attach.ts';
import { detach } from '../../src/network/detach.ts';
import { parseSettings, readOptions } from '../../src/network/network-options.ts';
import type { StubProcess } from '../../src/stub/stub-process.ts';
import { testCaller } from '../launcher/driven.ts';
import { ask, askUdp, missingDevices, missingNftables, run, runIn, serve, withWorld } from './world.ts';

const suiteOfFirewall = suite('network masquerade and publish');
const reason = missingDevices() ?? missingNftables();
if (reason) console.log(`skip: masquerade and publish: ${reason}`);
const test = reason ? suiteOfFirewall.skip : suiteOfFirewall;

const SUBNETS = 'subnet=10.89.0.0/24,subnet=fd00:89::/64';

function attachTo(directory: string, id: string, { pid }: StubProcess, settings: string): void {
  attach(
    testCaller(),
    { id, pid, bundle: '/b', annotations: {} },
    readOptions(parseSettings(settings)),
    directory,
  );
}

function detachFrom(directory: string, id: string, settings = ''): void {
  detach({ id, pid: 0, bundle: '/b', annotations: {} }, readOptions(parseSettings(settings)), directory);
}

/** Joins a process's namespace to the host's by a wire: host 192.0.2.1 and 2001:db8::1, neighbour .2 and ::2. */
function wire({ pid }: StubProcess): void {
  run('ip', 'link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'uplink', 'netns', `${pid}`);
  const ends = [
    { end: '1', on: (...args: string[]) => run('ip', ...args) },
    { end: '2', on: (...args: string[]) => runIn(pid, 'ip', ...args) },
  ];
  for (const { end, on } of ends) {
    on('addr', 'add', `192.0.2.${end}/24`, 'dev', 'uplink');
    on('addr', 'add', `2001:db8::${end}/64`, 'dev', 'uplink', 'nodad');
    on('link', 'set', 'uplink', 'up');
    on('link', 'set', 'lo', 'up');
  }
}

const setting = (path: string) => run('cat', `/proc/sys/net/${path}`).trim();

test('a masqueraded container reaches the outside by the address of the host', async () => {
  await withWorld(3, async ({ directory, containers: [a, b, outside] }) => {
    wire(outside);
    attachTo(directory, 'a', a, `${SUBNETS},masquerade`);
    attachTo(directory, 'b', b, SUBNETS);
    await serve(outside.pid, '::', 80);
    assert.is(ask(a.pid, '192.0.2.2', 80), '192.0.2.1');
    assert.is(ask(a.pid, '2001:db8::2', 80), '2001:db8::1');
    assert.is(ask(b.pid, '192.0.2.2', 80), undefined, 'no answer finds the way to the address of b');
    await serve(b.pid, '::', 80);
    assert.is(ask(a.pid, '10.89.0.3', 80), '10.89.0.2', 'within the bridge nothing is masqueraded');
  });
});

test('a published port is reached from outside, from the host, and from containers', async () => {
  await withWorld(3, async ({ directory, containers: [a, b, outside] }) => {
    wire(outside);
    const settings = `${SUBNETS},publish=8080:80,publish=5353:53/udp`;
    attachTo(directory, 'a', a, settings);
    attachTo(directory, 'b', b, SUBNETS);
    await serve(a.pid, '::', 80);
    await serve(a.pid, '0.0.0.0', 53, 'udp');
    // Answers leave the container by its default route; outside knows no way to it.
    assert.is(ask(outside.pid, '192.0.2.1', 8080), '192.0.2.2', 'the source address is kept');
    assert.is(ask(outside.pid, '2001:db8::1', 8080), '2001:db8::2');
    assert.is(askUdp(outside.pid, '192.0.2.1', 5353), '192.0.2.2');
    assert.is(ask(process.pid, '127.0.0.1', 8080), '10.89.0.1', 'from loopback it comes from the gateway');
    assert.is(ask(process.pid, '192.0.2.1', 8080), '192.0.2.1');
    assert.is(ask(process.pid, '2001:db8::1', 8080), '2001:db8::1');
    assert.is(ask(b.pid, '192.0.2.1', 8080), '10.89.0.1', 'from a neighbour container, by the host');
    assert.is(ask(b.pid, 'fd00:89::1', 8080), 'fd00:89::1');
    assert.is(ask(a.pid, '192.0.2.1', 8080), '10.89.0.1', 'from itself, by the host');
    assert.is(ask(outside.pid, '192.0.2.1', 80), undefined, 'another port is not published');
    detachFrom(directory, 'a', settings);
    assert.is(ask(outside.pid, '192.0.2.1', 8080), undefined);
    assert.is(setting('ipv4/conf/tsoci0/route_localnet'), '0');
  });
});

test('a port published at 127.0.0.1 is for the host alone', async () => {
  await withWorld(2, async ({ directory, containers: [a, outside] }) => {
    wire(outside);
    attachTo(directory, 'a', a, `${SUBNETS},publish=127.0.0.1:8080:80`);
    await serve(a.pid, '::', 80);
    assert.is(ask(process.pid, '127.0.0.1', 8080), '10.89.0.1');
    assert.is(ask(outside.pid, '192.0.2.1', 8080), undefined);
    sendLoopbackTo(outside.pid, '192.0.2.1', 'uplink');
    assert.is(
      ask(outside.pid, '127.0.0.1', 8080),
      undefined,
      'not by a neighbour who routes 127.0.0.1 to us',
    );
  });
});

test('CVE-2020-8558: a container does not reach what listens on 127.0.0.1 of the host', async () => {
  await withWorld(1, async ({ directory, containers: [a] }) => {
    run('ip', 'link', 'set', 'lo', 'up');
    attachTo(directory, 'a', a, `${SUBNETS},publish=8080:80`);
    await serve(process.pid, '127.0.0.1', 9000);
    sendLoopbackTo(a.pid, '10.89.0.1', 'eth0');
    assert.is(ask(process.pid, '127.0.0.1', 9000), '127.0.0.1');
    assert.is(ask(a.pid, '127.0.0.1', 9000), undefined);
  });
});

/** Has a namespace send packets for 127.0.0.1 to another host instead of itself. */
function sendLoopbackTo(pid: number, gateway: string, device: string): void {
  runIn(pid, 'sh', '-c', `echo 1 > /proc/sys/net/ipv4/conf/${device}/route_localnet`);
  runIn(pid, 'ip', 'route', 'delete', 'local', '127.0.0.0/8', 'dev', 'lo', 'table', 'local');
  runIn(pid, 'ip', 'route', 'delete', 'local', '127.0.0.1', 'dev', 'lo', 'table', 'local');
  runIn(pid, 'ip', 'addr', 'flush', 'dev', 'lo');
  const source = device === 'eth0' ? '10.89.0.2' : '192.0.2.2';
  runIn(pid, 'ip', 'route', 'add', '127.0.0.1', 'via', gateway, 'dev', device, 'src', source);
}

test('CVE-2020-13401: the host takes no router advertisements from containers', async () => {
  await withWorld(1, ({ directory, containers: [a] }) => {
    attachTo(directory, 'a', a, SUBNETS);
    assert.is(setting('ipv6/conf/tsoci0/accept_ra'), '0');
  });
});

test('a port of the host is published once, on whatever bridge', async () => {
  await withWorld(2, ({ directory, containers: [a, b] }) => {
    const other = 'bridge=tsoci1,subnet=10.90.0.0/24';
    attachTo(directory, 'a', a, `${SUBNETS},publish=8080:80`);
    const again = () => attachTo(directory, 'b', b, `${other},publish=127.0.0.1:8080:81`);
    assert.throws(again, /publish 127.0.0.1:8080:81\/tcp: the port of the host is published by container a/);
    attachTo(directory, 'b', b, `${other},publish=8080:80/udp`);
    detachFrom(directory, 'a');
    detachFrom(directory, 'b', 'bridge=tsoci1');
    assert.not(existsSync(directory));
  });
});

suiteOfFirewall.run();
