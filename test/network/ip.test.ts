// Addresses and subnets, with Node's own parser as a peer.

import { isIP, SocketAddress } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bytesOf,
  contains,
  formatAddress,
  hostRange,
  lastAddress,
  parseAddress,
  parseSubnet,
} from '../../src/network/ip.ts';

const test = suite('ip');

const good = [
  '0.0.0.0',
  '255.255.255.255',
  '10.89.0.1',
  '::',
  '::1',
  '1::',
  'fe80::1:0:0:1',
  '2001:db8:0:0:1:0:0:1',
  '2001:db8:0:1:1:1:1:1',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  'FD00:ABCD::',
  '0:0:1:0:0:0:1:0',
  '1:0:0:2:3:0:0:4',
  '10::20:0:100',
  '::ffff:10.0.0.1',
];
const bad = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.+4',
  ' 1.2.3.4',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
];
bad.push(
  '1:2:3:4:5:6:7:8:9',
  '::1::',
  '1::2::3',
  'g::',
  '12345::',
  '::1.2.3',
  '1.2.3.4::',
  '1:2:3:4:5:6:7:8::',
  ':1::2',
);

test('addresses are read and written as Node does it', () => {
  for (const text of good) {
    const family = isIP(text) === 6 ? 'ipv6' : 'ipv4';
    const peer = new SocketAddress({ address: text, family }).address;
    const address = parseAddress(text);
    assert.is(bytesOf(address).length, family === 'ipv6' ? 16 : 4);
    const written = formatAddress(address);
    if (!peer.includes('.') || family === 'ipv4') assert.is(written, peer);
    assert.equal(parseAddress(written), address);
    assert.equal(parseAddress(peer), address);
  }
});

test('what is no address is refused', () => {
  for (const text of bad) {
    assert.is(isIP(text), 0, text);
    assert.throws(() => parseAddress(text), /is no IP address/, text);
  }
});

test('subnets', () => {
  const subnet = parseSubnet('10.89.4.0/22');
  assert.ok(contains(subnet, parseAddress('10.89.7.255')));
  assert.not(contains(subnet, parseAddress('10.89.8.0')));
  assert.not(contains(subnet, parseAddress('::a59:400')));
  assert.is(formatAddress(lastAddress(subnet)), '10.89.7.255');
  const range = (text: string) => {
    const { first, last } = hostRange(parseSubnet(text));
    const { family } = parseSubnet(text).network;
    return [first, last].map((value) => formatAddress({ family, value }));
  };
  assert.equal(range('10.0.0.0/24'), ['10.0.0.1', '10.0.0.254']);
  assert.equal(range('10.0.0.0/31'), ['10.0.0.0', '10.0.0.1']);
  assert.equal(range('0.0.0.0/0'), ['0.0.0.1', '255.255.255.254']);
  assert.equal(range('fd00::/64'), ['fd00::1', 'fd00::ffff:ffff:ffff:ffff']);
  assert.throws(() => parseSubnet('10.0.0.1/24'), /bits set behind its prefix; 10.0.0.0\/24/);
  assert.throws(() => parseSubnet('10.0.0.0/33'), /longer than 32/);
  assert.throws(() => parseSubnet('10.0.0.0'), /is no subnet/);
});

test.run();
