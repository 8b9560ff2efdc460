// The file of a host's networks, when it is not as it was written.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TsociError } from '../../src/linux/errors.ts';
import { readNetworks } from '../../src/network/network-store.ts';

const test = suite('network: store');
const directory = mkdtempSync(join(tmpdir(), 'network-store-'));
const file = join(directory, 'leases.json');
test.after(() => rmSync(directory, { recursive: true }));

const segment = { subnet: '10.0.0.0/24', gateway: '10.0.0.1', added: true, last: '' };
const lease = {
  container: 'c',
  bundle: '/b',
  interface: 'eth0',
  device: 'v',
  addresses: ['10.0.0.2'],
  masquerade: true,
  publish: [],
  options: '',
  complete: true,
};
const network = { made: true, segments: [segment], leases: [lease] };

test('networks are read as they were written; without a file there are none', () => {
  assert.equal(readNetworks(directory), {});
  writeFileSync(file, JSON.stringify({ version: 1, networks: { b0: network } }));
  assert.equal(readNetworks(directory), { b0: network });
});

test('a file that is damaged is an error that names it', () => {
  const damaged: [unknown, RegExp][] = [
    [{ version: 2, networks: {} }, /it is not of version 1/],
    [null, /its content is damaged/],
    [{ version: 1 }, /its networks is damaged/],
    [{ version: 1, networks: { b0: null } }, /its networks is damaged/],
    [{ version: 1, networks: { b0: { ...network, leases: [{ ...lease, device: 5 }] } } }, /damaged/],
    [{ version: 1, networks: { b0: { ...network, segments: [{ ...segment, subnet: [] }] } } }, /damaged/],
  ];
  for (const [record, reason] of damaged) {
    writeFileSync(file, JSON.stringify(record));
    const refused = (error: unknown) =>
      error instanceof TsociError && error.message.includes(file) && reason.test(error.message);
    assert.throws(() => readNetworks(directory), refused, JSON.stringify(record));
  }
  writeFileSync(file, '{');
  assert.throws(() => readNetworks(directory), /read .*leases\.json/);
});

test.run();
