// Who gets which address.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAddress, parseAddress, parseSubnet } from '../../src/network/ip.ts';
import {
  checkPublications,
  chooseAddresses,
  type Lease,
  type Network,
  NO_NETWORK,
  withLast,
  withLease,
  withNetwork,
  withoutLease,
  withoutStale,
  withSegments,
} from '../../src/network/leases.ts';
import { parsePublication } from '../../src/network/publication.ts';

const test = suite('leases');

function lease(container: string, addresses: string[], publish: string[] = []): Lease {
  const rest = { masquerade: false, options: '', complete: true };
  return { container, bundle: '/b', interface: 'eth0', device: `v${container}`, addresses, publish, ...rest };
}

const segment = (subnet: string, gateway: string) => ({
  subnet: parseSubnet(subnet),
  gateway: parseAddress(gateway),
});
const small = [segment('10.0.0.0/29', '10.0.0.1')];

/** One more container in the network: its address, and the network with it. */
function next(network: Network, name: string, wanted: string[] = []): [address: string, network: Network] {
  const asked = wanted.map(parseAddress);
  const addresses = chooseAddresses(network, small, asked, []);
  const text = addresses.map(formatAddress);
  return [text.join(), withLast(withLease(network, lease(name, text)), addresses, asked)];
}

test('addresses follow each other, and a freed one is the last to be given again', () => {
  let network = withSegments(NO_NETWORK, small);
  let address = '';
  for (const expected of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) {
    [address, network] = next(network, expected);
    assert.is(address, expected);
  }
  network = withoutLease(network, lease('10.0.0.2', []));
  for (const expected of ['10.0.0.5', '10.0.0.6', '10.0.0.2']) {
    [address, network] = next(network, expected);
    assert.is(address, expected);
  }
  assert.throws(() => next(network, 'x'), /all addresses of 10.0.0.0\/29 are in use/);
});

test('an address that was asked for is given if it is free, and does not move the row', () => {
  let [address, network] = next(withSegments(NO_NETWORK, small), 'a', ['10.0.0.5']);
  assert.is(address, '10.0.0.5');
  [address, network] = next(network, 'b');
  assert.is(address, '10.0.0.2');
  const refused: [wanted: string, message: RegExp][] = [
    ['10.0.0.5', /ip 10.0.0.5 is in use by container a/],
    ['10.0.0.1', /ip 10.0.0.1 is in use on the host/],
    ['10.0.0.0', /ip 10.0.0.0 is reserved/],
    ['10.0.0.7', /ip 10.0.0.7 is reserved/],
  ];
  for (const [wanted, message] of refused) assert.throws(() => next(network, 'c', [wanted]), message);
});

test('addresses on the bridge are not given', () => {
  const occupied = [parseAddress('10.0.0.2'), parseAddress('::a00:3')];
  const [address] = chooseAddresses(withSegments(NO_NETWORK, small), small, [], occupied);
  assert.is(address && formatAddress(address), '10.0.0.3');
});

test('a subnet of two addresses has room for one container', () => {
  const pair = [segment('10.0.0.0/31', '10.0.0.0')];
  const network = withSegments(NO_NETWORK, pair);
  const [address] = chooseAddresses(network, pair, [], []);
  assert.is(address && formatAddress(address), '10.0.0.1');
  assert.throws(() => chooseAddresses(withLease(network, lease('a', ['10.0.0.1'])), pair, [], []), /in use/);
});

test('subnets of a network do not overlap, and keep their gateways', () => {
  const network = withSegments(NO_NETWORK, small);
  assert.equal(withSegments(network, small), network);
  assert.throws(
    () => withSegments(network, [segment('10.0.0.0/24', '10.0.0.1')]),
    /10.0.0.0\/24 overlaps 10.0.0.0\/29/,
  );
  assert.throws(
    () => withSegments(network, [segment('10.0.0.0/29', '10.0.0.2')]),
    /has the gateway 10.0.0.1 already, not 10.0.0.2/,
  );
  assert.is(withSegments(network, [segment('fd00::/64', 'fd00::1')]).segments.length, 2);
});

test('leases whose device is gone are stale, and a network without leases is forgotten', () => {
  const network = withLease(withLease(NO_NETWORK, lease('a', [])), lease('b', []));
  const left = withoutStale(network, new Set(['vb', 'lo']));
  assert.equal(
    left.leases.map(({ container }) => container),
    ['b'],
  );
  assert.equal(withNetwork({ x: network, y: network }, 'x', NO_NETWORK), { y: network });
  const other = { ...lease('a', []), bundle: '/elsewhere' };
  assert.is(
    withoutLease(network, other).leases.length,
    2,
    'the same id in another bundle is another container',
  );
});

test('a port that a stale lease published is free', () => {
  const networks = { x: withLease(NO_NETWORK, lease('a', [], ['80:1/tcp'])) };
  const wanted = [parsePublication('127.0.0.1:80:2')];
  assert.throws(() => checkPublications(wanted, networks, new Set(['va'])), /is published by container a/);
  checkPublications(wanted, networks, new Set());
  const twice = [...wanted, parsePublication('80:3')];
  assert.throws(() => checkPublications(twice, {}, new Set()), /is published twice/);
});

test.run();
