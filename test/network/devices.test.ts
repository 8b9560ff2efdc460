// config-linux.md#network-devices, in namespaces made here. iproute2 makes the devices and looks at the outcome.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { InterfaceAddress } from '../../src/linux/netlink/ip-address.ts';
import type { Link } from '../../src/linux/netlink/link.ts';
import { withNamespace } from '../../src/network/namespace.ts';
import { moveNetDevices, type NetDevices, planMoves, transplant } from '../../src/network/net-devices.ts';
import type { StubProcess } from '../../src/stub/stub-process.ts';
import { testCaller } from '../launcher/driven.ts';
import { enterNewNamespace, missingDevices, run, runIn, withContainer } from './world.ts';

const test = suite('netDevices');

function link(name: string, index: number, alternativeNames: string[] = []): Link {
  const rest = { up: false, mtu: 1500, mac: Buffer.alloc(6), kind: undefined, master: 0, alias: undefined };
  return { name, index, alternativeNames, peer: index, ...rest };
}

const host = [link('eth0', 2), link('eth1', 3)];
const find = (name: string) => host.find((candidate) => candidate.name === name);

test('a device keeps its name and index unless told otherwise', () => {
  const lo = link('lo', 1);
  const [first, second] = planMoves({ eth0: {}, eth1: { name: 'data' } }, find, [lo, link('x', 3)]);
  assert.equal(first, { link: host[0], name: 'eth0', index: 2 });
  assert.equal(second, { link: host[1], name: 'data', index: 4 });
});

test('what cannot be moved is refused before anything is', () => {
  const plan = (devices: NetDevices, present: Link[] = []) => planMoves(devices, find, present);
  assert.throws(() => plan({ wlan0: {} }), /netDevices.wlan0: there is no network device wlan0/);
  assert.throws(() => plan({ eth0: { name: 'a/b' } }), /"a\/b" contains a slash/);
  assert.throws(() => plan({ eth0: { name: 'x'.repeat(16) } }), /is longer than 15 bytes/);
  assert.throws(() => plan({ eth0: { name: 'n' }, eth1: { name: 'n' } }), /has a network device n already/);
  assert.throws(() => plan({ eth0: {} }, [link('eth0', 9)]), /has a network device eth0 already/);
  assert.throws(() => plan({ eth0: {} }, [link('x', 9, ['eth0'])]), /has a network device eth0 already/);
  plan({ eth0: { name: 'eth%d' }, eth1: { name: 'eth%d' } }, [link('eth0', 9)]);
});

test('an address moves with its label renamed and without what the kernel found out', () => {
  const address: InterfaceAddress = {
    family: 2,
    prefix: 24,
    scope: 0,
    // IFA_F_PERMANENT, IFA_F_NOPREFIXROUTE, IFA_F_SECONDARY
    flags: 0x80 | 0x200 | 0x01,
    index: 2,
    bytes: Buffer.of(10, 0, 0, 1),
    attributes: new Map([
      [2, Buffer.of(10, 0, 0, 1)],
      [3, Buffer.from('eth0:1\0')],
      [8, Buffer.of(0x81, 2, 0, 0)],
      [9, Buffer.of(7, 0, 0, 0)],
    ]),
  };
  const moved = transplant(address, { index: 5, from: 'eth0', name: 'data' });
  assert.is(moved.index, 5);
  assert.is(moved.flags, 0x200);
  assert.equal([...moved.attributes.keys()], [2, 3, 9]);
  assert.is(Buffer.from(moved.attributes.get(3) ?? []).toString(), 'data:1\0');
  const long = transplant(address, { index: 5, from: 'eth0', name: 'fifteen_letters' });
  assert.not(long.attributes.has(3), 'a label that would be too long is left to the kernel');
});

const reason = missingDevices();
if (reason) console.log(`skip: moving network devices: ${reason}`);
const real = reason ? test.skip : test;

function move(container: StubProcess, devices: NetDevices): void {
  withNamespace(`/proc/${container.pid}/ns/net`, (namespace) =>
    moveNetDevices(testCaller(), devices, namespace),
  );
}

interface Shown {
  ifname: string;
  ifindex: number;
  flags: string[];
  mtu: number;
  address: string;
  addr_info: Record<string, unknown>[];
}

const parse = (text: string) => (JSON.parse(text) as Shown[])[0] as Shown;
const shownIn = (pid: number, name: string) => parse(runIn(pid, 'ip', '-j', 'addr', 'show', name));

/** A pair of devices, the first with all that is to survive a move. */
function makeDevice(name: string, peer: string): void {
  run('ip', 'link', 'add', name, 'type', 'veth', 'peer', peer);
  run('ip', 'link', 'set', name, 'mtu', '1432', 'address', '02:00:00:00:00:07', 'alias', 'of the rack');
  run('ip', 'addr', 'add', '10.1.2.3/24', 'brd', '+', 'dev', name, 'metric', '77');
  run('ip', 'addr', 'add', '10.1.2.4/24', 'brd', '+', 'dev', name, 'label', `${name}:1`);
  run('ip', 'addr', 'add', '10.9.9.9', 'peer', '10.9.9.10/32', 'dev', name);
  run('ip', 'addr', 'add', '10.7.7.7/24', 'dev', name, 'scope', 'link');
  run('ip', 'addr', 'add', '10.8.8.8/24', 'dev', name, 'valid_lft', '1000', 'preferred_lft', '1000');
  run('ip', 'link', 'set', name, 'up');
  run('ip', 'link', 'set', peer, 'up');
  run('ip', 'addr', 'add', 'fd00:1::1/64', 'dev', name, 'nodad');
  run('ip', 'addr', 'add', 'fd00:1::2/64', 'dev', name, 'nodad', 'noprefixroute');
  run('ip', 'addr', 'add', 'fd00:1::3/64', 'dev', name, 'nodad', 'preferred_lft', '0');
}

const globalAddresses = ({ addr_info }: Shown) => addr_info.filter(({ scope }) => scope === 'global');

real('a device moves with its attributes, its permanent global addresses and up', () => {
  enterNewNamespace();
  makeDevice('rack0', 'far0');
  const before = parse(run('ip', '-j', 'addr', 'show', 'rack0'));
  withContainer((container) => {
    move(container, { rack0: {} });
    assert.throws(() => run('ip', 'link', 'show', 'rack0'), /does not exist/);
    const after = shownIn(container.pid, 'rack0');
    assert.ok(after.flags.includes('UP'));
    for (const key of ['ifindex', 'mtu', 'address'] as const) assert.is(after[key], before[key]);
    assert.match(runIn(container.pid, 'ip', 'link', 'show', 'rack0'), /alias of the rack\n/);
    const kept = globalAddresses(before).filter(({ local }) => local !== '10.8.8.8');
    assert.is(kept.length, 6);
    assert.equal(globalAddresses(after), kept, 'labels, metric, peer, broadcast, flags and order');
    assert.not(after.addr_info.some(({ local }) => local === '10.7.7.7' || local === '10.8.8.8'));
  });
});

real('a device moves under another name, and under a template', () => {
  enterNewNamespace();
  makeDevice('rack0', 'far0');
  run('ip', 'link', 'add', 'rack1', 'type', 'veth', 'peer', 'far1');
  withContainer((container) => {
    // Its indices are those of the host's devices: the devices must get others.
    runIn(container.pid, 'ip', 'link', 'add', 'data0', 'type', 'veth', 'peer', 'data1');
    runIn(container.pid, 'ip', 'link', 'add', 'x', 'type', 'bridge');
    move(container, { rack0: { name: 'net' }, rack1: { name: 'data%d' } });
    const renamed = shownIn(container.pid, 'net');
    assert.ok(renamed.addr_info.some(({ label }) => label === 'net:1'));
    assert.ok(shownIn(container.pid, 'data2').flags.includes('UP'));
  });
});

real('a name that is taken is an error, and nothing has moved', () => {
  enterNewNamespace();
  makeDevice('rack0', 'far0');
  withContainer((container) => {
    runIn(container.pid, 'ip', 'link', 'add', 'net', 'type', 'bridge');
    assert.throws(() => move(container, { rack0: { name: 'net' } }), /has a network device net already/);
    assert.ok(parse(run('ip', '-j', 'addr', 'show', 'rack0')).flags.includes('UP'));
  });
});

real('when one device fails, those before it come back as they were', () => {
  enterNewNamespace();
  makeDevice('rack0', 'far0');
  run('ip', 'link', 'add', 'rack1', 'type', 'veth', 'peer', 'far1');
  const before = parse(run('ip', '-j', 'addr', 'show', 'rack0'));
  withContainer((container) => {
    // A `%` that is no `%d` is refused by the kernel only after the move.
    assert.throws(
      () => move(container, { rack0: { name: 'net' }, rack1: { name: 'a%x' } }),
      /rack1.* EINVAL/,
    );
    const after = parse(run('ip', '-j', 'addr', 'show', 'rack0'));
    assert.is(after.ifindex, before.ifindex);
    assert.ok(after.flags.includes('UP'));
    const kept = globalAddresses(before).filter(({ local }) => local !== '10.8.8.8');
    assert.equal(globalAddresses(after), kept);
    run('ip', 'link', 'show', 'rack1');
    assert.throws(() => runIn(container.pid, 'ip', 'link', 'show', 'net'), /does not exist/);
  });
});

real('loopback stays, and a container without a network namespace gets nothing', () => {
  enterNewNamespace();
  withContainer((container) => {
    assert.throws(() => move(container, { lo: { name: 'lo9' } }), /move the network device lo .*EINVAL/);
  });
  const shared = () =>
    withNamespace('/proc/self/ns/net', (namespace) => moveNetDevices(testCaller(), { lo: {} }, namespace));
  assert.throws(shared, /no network namespace of its own/);
});

test.run();
