// Netlink messages: bytes as the headers of Linux say, and answers of the kernel.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EEXIST, ENODEV, ENOENT } from '../../src/linux/errno.ts';
import { errnoOf } from '../../src/linux/errors.ts';
import {
  attribute,
  attributeMap,
  attributesIn,
  be32,
  nested,
  text,
  u8,
  u32,
} from '../../src/linux/netlink/attributes.ts';
import { createBridge, deleteLink, findLink, listLinks, setLink } from '../../src/linux/netlink/link.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE, RTM_NEWLINK } from '../../src/linux/netlink/netlink-constants.ts';
import { encodeMessage, errorOf, messagesIn } from '../../src/linux/netlink/netlink-message.ts';
import { removeTable, replaceTable } from '../../src/linux/netlink/nftables.ts';
import { jump } from '../../src/linux/netlink/nftables-expressions.ts';
import { NetlinkSocket } from '../../src/linux/netlink/socket.ts';
import { enterNewNamespace, missingDevices, missingNftables, run } from './world.ts';

const test = suite('netlink');

test('attributes are padded to four bytes, and nested ones say so', () => {
  assert.is(text(3, 'lo').toString('hex'), '070003006c6f0000');
  assert.is(u8(4, 1).toString('hex'), '0500040001000000');
  assert.is(u32(4, 1500).toString('hex'), '08000400dc050000');
  assert.is(be32(2, -100).toString('hex'), '08000200ffffff9c');
  const list = nested(18, text(1, 'veth'), u8(2, 7));
  assert.is(list.readUInt16LE(2), 0x8000 | 18);
  const [[type, payload] = [0, Buffer.alloc(0)]] = [...attributesIn(list)];
  assert.is(type, 18);
  assert.equal(
    [...attributeMap(payload)],
    [
      [1, Buffer.from('veth\0')],
      [2, Buffer.of(7)],
    ],
  );
});

test('messages follow each other in a datagram', () => {
  const datagram = Buffer.concat([
    encodeMessage(16, 5, 7, Buffer.from('abcde')),
    encodeMessage(3, 2, 8, Buffer.alloc(4)),
  ]);
  assert.is(datagram.toString('hex', 0, 16), '15000000100005000700000000000000');
  const [first, second, ...rest] = [...messagesIn(datagram)];
  assert.is(first?.payload.toString(), 'abcde');
  assert.is(second?.sequence, 8);
  assert.is(rest.length, 0);
  assert.equal([...messagesIn(datagram.subarray(0, 30))].length, 1, 'what is cut off is no message');
});

test('an error is read with and without the request that it echoes', () => {
  const words = text(1, 'no such thing');
  const errno = Buffer.from([0xed, 0xff, 0xff, 0xff]);
  const request = encodeMessage(18, 5, 7, Buffer.alloc(20));
  const reply = (flags: number, ...parts: Buffer[]) => {
    return errorOf({ type: 2, flags, sequence: 7, payload: Buffer.concat([errno, ...parts]) });
  };
  const expected = { errno: ENODEV, words: 'no such thing' };
  assert.equal(reply(0x200, request, words), expected);
  assert.equal(reply(0x300, request.subarray(0, 16), words), expected);
  assert.equal(reply(0, request), { errno: ENODEV, words: undefined });
  const done = { type: 3, flags: 0x202, sequence: 7, payload: Buffer.concat([errno, words]) };
  assert.equal(errorOf(done), expected);
});

test('what is cut off is no answer', () => {
  const flags = 0x200;
  for (const length of [0, 2, 4, 6, 8])
    assert.is(errorOf({ type: 2, flags, sequence: 7, payload: Buffer.alloc(length) }).words, undefined);
  const echo = Buffer.from('edffffff000000c0', 'hex');
  assert.equal(errorOf({ type: 2, flags, sequence: 7, payload: echo }), { errno: ENODEV, words: undefined });
  const whole = Buffer.concat([Buffer.alloc(16), attribute(4, Buffer.of(1))]);
  const listed = (payload: Buffer) => {
    const dump = () => [{ type: RTM_NEWLINK, flags: 2, sequence: 7, payload }];
    return listLinks({ dump } as unknown as NetlinkSocket);
  };
  assert.throws(() => listed(whole.subarray(0, 12)), /cut off: 12 bytes where a header has 16/);
  assert.is(listed(whole)[0]?.mtu, 0, 'an attribute that is too short counts as missing');
});

const reason = missingDevices();
if (reason) console.log(`skip: rtnetlink: ${reason}`);
const real = reason ? test.skip : test;

function withSocket(protocol: number, body: (socket: NetlinkSocket) => void): void {
  enterNewNamespace();
  const socket = NetlinkSocket.open(protocol);
  try {
    body(socket);
  } finally {
    socket.close();
  }
}

const withErrno = (errno: number) => (error: { errno?: number }) => error.errno === errno;

real('the kernel does, refuses with its words, and lists', () => {
  withSocket(NETLINK_ROUTE, (socket) => {
    assert.is(findLink(socket, 'br0'), undefined);
    socket.request(createBridge('br0', { mac: Buffer.of(2, 0, 0, 0, 0, 1), mtu: 1400 }));
    const bridge = findLink(socket, 'br0');
    assert.is(bridge?.kind, 'bridge');
    assert.is(bridge?.mtu, 1400);
    assert.not(bridge?.up);
    assert.throws(() => socket.request(createBridge('br0', {})), withErrno(EEXIST));
    const named = () => socket.request(createBridge('a_name_too_long_for_it', {}));
    assert.throws(
      named,
      /make the bridge a_name_too_long_for_it: ERANGE .*; Attribute failed policy validation/,
    );
    assert.throws(() => socket.request(deleteLink(99, 'delete 99')), /delete 99: ENODEV/);
    run('ip', 'link', 'property', 'add', 'dev', 'br0', 'altname', 'a_name_beyond_fifteen_bytes');
    assert.is(findLink(socket, 'a_name_beyond_fifteen_bytes')?.name, 'br0');
    socket.request(setLink(bridge?.index ?? 0, { up: true, alias: 'of all' }, 'set br0 up'));
    const [, listed] = listLinks(socket);
    assert.ok(listed?.up);
    assert.is(listed?.alias, 'of all');
    assert.equal(listed?.alternativeNames, ['a_name_beyond_fifteen_bytes']);
  });
});

real('a dump longer than one datagram is read to its end', () => {
  withSocket(NETLINK_ROUTE, (socket) => {
    for (let i = 0; i < 150; i++) socket.request(createBridge(`br${i}`, {}));
    assert.is(listLinks(socket).length, 151);
  });
});

const noTables = missingNftables();
if (noTables) console.log(`skip: nftables: ${noTables}`);
const withTables = noTables ? test.skip : test;

withTables('a batch with an error does nothing, and says which part failed', () => {
  withSocket(NETLINK_NETFILTER, (socket) => {
    replaceTable(socket, { name: 'ours', chains: [{ name: 'first', rules: [] }] });
    const rules = [{ expressions: jump('nowhere') }];
    const bad = () => replaceTable(socket, { name: 'ours', chains: [{ name: 'second', rules }] });
    assert.throws(bad, /add a rule to the nftables chain ours second: ENOENT/);
    assert.ok(hasChain(socket, 'ours', 'first'), 'what was to be replaced is still there');
    assert.not(hasChain(socket, 'ours', 'second'));
    const long = [{ expressions: jump('third'), comment: 'x'.repeat(300) }];
    const chains = [
      { name: 'third', rules: [] },
      { name: 'fourth', rules: long },
    ];
    replaceTable(socket, { name: 'ours', chains });
    assert.ok(hasChain(socket, 'ours', 'fourth'));
    assert.not(hasChain(socket, 'ours', 'first'));
    removeTable(socket, 'ours');
    assert.not(hasChain(socket, 'ours', 'fourth'));
    removeTable(socket, 'ours');
  });
});

/** NFT_MSG_GETCHAIN of linux/netfilter/nf_tables.h, in the family inet. */
function hasChain(socket: NetlinkSocket, table: string, chain: string): boolean {
  const payload = Buffer.concat([Buffer.of(1, 0, 0, 0), text(1, table), text(3, chain)]);
  try {
    socket.get({ doing: 'look for a chain', type: (10 << 8) | 4, flags: 0, payload });
    return true;
  } catch (error) {
    if (errnoOf(error) === ENOENT) return false;
    throw error;
  }
}

test.run();
