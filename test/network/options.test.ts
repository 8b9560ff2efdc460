// Settings of a network: what they mean, what is refused, and how they get into a config.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { parseHookState } from '../../src/network/hook-state.ts';
import { injectNetwork } from '../../src/network/inject.ts';
import { formatAddress, formatSubnet, parseAddress, parseSubnet } from '../../src/network/ip.ts';
import {
  formatOptions,
  parseSettings,
  readOptions,
  type Segment,
  segmentsOf,
} from '../../src/network/network-options.ts';
import { collide, parsePublication } from '../../src/network/publication.ts';

const test = suite('network options');

const options = (text: string) => readOptions(parseSettings(text));

test('settings are read, and written in one order', () => {
  const text =
    'publish=[fd00::1]:8080:80/sctp,ip=10.1.0.9,subnet=10.1.0.0/24,mac=02:AA:00:00:00:01,mtu=9000,masquerade,subnet=FD00:1::/64,bridge=b,gateway=10.1.0.5,publish=53:53/udp';
  assert.is(
    formatOptions(options(text)),
    'bridge=b,interface=eth0,subnet=10.1.0.0/24,subnet=fd00:1::/64,gateway=10.1.0.5,ip=10.1.0.9,mtu=9000,mac=02:aa:00:00:00:01,masquerade=true,publish=[fd00::1]:8080:80/sctp,publish=53:53/udp',
  );
  assert.is(formatOptions(options(formatOptions(options(text)))), formatOptions(options(text)));
  assert.is(formatOptions(options('')), 'bridge=tsoci0,interface=eth0');
  assert.is(options('bridge=a,bridge=b').bridge, 'b', 'the last counts');
});

test('a wrong setting is refused with its name', () => {
  const refused: [settings: string, message: RegExp][] = [
    ['bride=x', /unknown network setting "bride": known are bridge,/],
    ['bridge=a/b', /network bridge: the name "a\/b" contains a slash/],
    ['bridge=', /network bridge: the name "" is empty/],
    ['interface=eth%d', /network interface: the name "eth%d" contains a %/],
    ['mtu=big', /network mtu: big is not between/],
    ['mtu=67', /not between 68 and 65535/],
    ['mac=01:00:00:00:00:00', /address of a group/],
    ['mac=1:2:3:4:5:6', /is not six bytes/],
    ['masquerade=yes', /network masquerade: expected true or false/],
    ['ip=10.0.0', /"10.0.0" is no IP address/],
    ['subnet=10.0.0.0', /is no subnet/],
    ['publish=80', /\[ADDRESS:\]HOST:CONTAINER\[\/PROTOCOL\] is expected/],
    ['publish=0:80', /0 is no port/],
    ['publish=80:65536', /65536 is no port/],
    ['publish=80:80/icmp', /protocol is none of tcp, udp, sctp/],
    ['publish=[::1]:80:80', /a port of ::1 cannot be published/],
  ];
  for (const [settings, message] of refused) assert.throws(() => options(settings), message, settings);
});

test('segments: those named, else those of the network, else the default', () => {
  const shown = (segments: readonly Segment[]) =>
    segments.map(({ subnet, gateway }) => `${formatSubnet(subnet)} ${formatAddress(gateway)}`);
  const existing = [{ subnet: parseSubnet('10.5.0.0/24'), gateway: parseAddress('10.5.0.200') }];
  assert.equal(shown(segmentsOf(options(''), [])), ['10.89.0.0/24 10.89.0.1']);
  assert.equal(shown(segmentsOf(options(''), existing)), ['10.5.0.0/24 10.5.0.200']);
  assert.equal(shown(segmentsOf(options('subnet=10.5.0.0/24'), existing)), ['10.5.0.0/24 10.5.0.200']);
  const both = options('subnet=10.6.0.0/24,subnet=fd00::/64,gateway=fd00::9');
  assert.equal(shown(segmentsOf(both, existing)), ['10.6.0.0/24 10.6.0.1', 'fd00::/64 fd00::9']);
  const refused: [settings: string, message: RegExp][] = [
    ['subnet=10.1.0.0/24,subnet=10.2.0.0/24', /not several of a family/],
    ['subnet=10.1.0.0/32', /room for one address only/],
    ['ip=10.90.0.1', /ip 10.90.0.1 is in none of 10.89.0.0\/24/],
    ['gateway=10.90.0.1', /gateway 10.90.0.1 is in none of 10.89.0.0\/24/],
  ];
  for (const [settings, message] of refused)
    assert.throws(() => segmentsOf(options(settings), []), message, settings);
});

test('publications collide when one packet could be meant for both', () => {
  const pairs: [a: string, b: string, expected: boolean][] = [
    ['80:1', '80:2', true],
    ['80:1', '80:1/udp', false],
    ['80:1', '81:1', false],
    ['127.0.0.1:80:1', '80:1', true],
    ['127.0.0.1:80:1', '10.0.0.1:80:1', false],
    ['0.0.0.1:80:1', '[::1:0]:80:1', false],
  ];
  for (const [a, b, expected] of pairs)
    assert.is(collide(parsePublication(a), parsePublication(b)), expected, `${a} ${b}`);
});

test('--network adds both hooks behind those of the config, and a network namespace', () => {
  const config: Config = {
    ociVersion: '1.3.0',
    hooks: { createRuntime: [{ path: '/first' }], poststart: [{ path: '/other' }] },
    linux: { namespaces: [{ type: 'pid' }] },
  };
  const injected = injectNetwork(config, 'bridge=b,masquerade', '/bin/tsoci');
  const hook = (action: string) => ({
    path: '/bin/tsoci',
    args: ['/bin/tsoci', 'network', action, '--bridge=b', '--masquerade=true'],
    timeout: 60,
  });
  assert.equal(injected.hooks, {
    createRuntime: [{ path: '/first' }, hook('attach')],
    poststart: [{ path: '/other' }],
    poststop: [hook('detach')],
  });
  assert.equal(injected.linux?.namespaces, [{ type: 'pid' }, { type: 'network' }]);
  assert.equal(config.linux?.namespaces, [{ type: 'pid' }], 'the config itself is not changed');
  const joined = { ...config, linux: { namespaces: [{ type: 'network' as const, path: '/run/netns/a' }] } };
  assert.equal(injectNetwork(joined, '', '/t').linux?.namespaces, joined.linux.namespaces);
  assert.throws(() => injectNetwork(config, 'mtu=x', '/t'), /network mtu/);
});

test('the state of any runtime is read, and what is none is refused', () => {
  const state = { ociVersion: '1.0.2-dev', id: 'a', status: 'creating', pid: 7, bundle: '/b', root: '/x' };
  assert.equal(parseHookState(JSON.stringify(state)), { id: 'a', pid: 7, bundle: '/b', annotations: {} });
  const stopped = { id: 'a', bundle: '/b', annotations: { x: 'y' } };
  assert.equal(parseHookState(JSON.stringify(stopped)), { ...stopped, pid: 0 });
  for (const text of ['', '[]', 'null', '{"id":1}', '{"id":"a","pid":-1}', '{"id":"a","annotations":[]}'])
    assert.throws(() => parseHookState(text), /state .*standard input/, text);
});

test.run();
