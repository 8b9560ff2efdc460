// The cache of compiled filters: what it finds, and whom it believes.

import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp } from '../../src/config/generated/types.ts';
import { cached, cacheKey } from '../../src/security/seccomp/cache.ts';
import { compileFilter } from '../../src/security/seccomp/filter.ts';
import { libseccompIdentity } from '../../src/security/seccomp/libseccomp.ts';
import { isRoot } from './stub.ts';

const test = suite('seccomp cache');
const key = '["what is compiled"]';
const made = Buffer.from('made now');
const kept = Buffer.from('kept now');

function entryIn(directory: string): string {
  const [name = '', ...others] = readdirSync(directory);
  assert.equal(others, [], 'no temporary file is left');
  assert.match(name, /^[0-9a-f]{16}$/);
  return name;
}

/** A cache directory with an entry; and whether that entry is used. */
function withCache(change: (directory: string, entry: string) => void): boolean {
  const parent = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  const directory = join(parent, 'cache');
  try {
    assert.equal(
      cached(directory, key, () => kept),
      kept,
    );
    change(directory, join(directory, entryIn(directory)));
    const found = cached(directory, key, () => made);
    assert.ok(found.equals(kept) || found.equals(made));
    return found.equals(kept);
  } finally {
    rmSync(parent, { recursive: true });
  }
}

test('a filter is kept, in a directory and a file for us alone, and found again', () => {
  assert.ok(
    withCache((directory, entry) => {
      assert.is(lstatSync(directory).mode & 0o777, 0o700);
      assert.is(lstatSync(entry).mode & 0o777, 0o600);
      assert.equal(readFileSync(entry), Buffer.concat([Buffer.from(`${key}\n`), kept]));
    }),
  );
});

test('what somebody else could have written is not believed', () => {
  assert.not(
    withCache((_, entry) => chmodSync(entry, 0o620)),
    'file writable by the group',
  );
  assert.not(
    withCache((directory) => chmodSync(directory, 0o777)),
    'directory writable by all',
  );
  assert.not(
    withCache((directory, entry) => {
      renameSync(entry, join(directory, 'other'));
      symlinkSync(join(directory, 'other'), entry);
    }),
    'symbolic link in place of the file',
  );
  assert.not(
    withCache((directory) => {
      renameSync(directory, `${directory}2`);
      symlinkSync(`${directory}2`, directory);
    }),
    'symbolic link in place of the directory',
  );
  assert.not(
    withCache((_, entry) => {
      rmSync(entry);
      mkdirSync(entry);
    }),
    'directory in place of the file',
  );
  if (!isRoot) return;
  assert.not(
    withCache((_, entry) => chownSync(entry, 1000, 1000)),
    "another user's file",
  );
  assert.not(
    withCache((directory) => chownSync(directory, 1000, 1000)),
    "another user's directory",
  );
});

test('what cannot be a filter is not believed', () => {
  for (const text of ['', '1234567', 'x'.repeat(8 * 4097)])
    assert.not(
      withCache((_, entry) => writeFileSync(entry, `${key}\n${text}`)),
      `${text.length} bytes`,
    );
});

test('the filter of another config is not believed, whatever its name', () => {
  assert.not(
    withCache((_, entry) => {
      const other = key.replace('what', 'this');
      writeFileSync(entry, Buffer.concat([Buffer.from(`${other}\n`), kept]));
    }),
  );
});

test('a cache that cannot be is no error', () => {
  assert.equal(
    cached('/proc/self/status/cache', key, () => made),
    made,
  );
  assert.equal(
    cached('/proc/cache', key, () => made),
    made,
  );
});

test('it forgets the oldest', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    for (let i = 0; i < 70; i++) cached(directory, String(i), () => made);
    assert.is(readdirSync(directory).length, 64);
    assert.equal(
      cached(directory, '69', () => kept),
      made,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the key is of what is compiled, not of how it is written', () => {
  const config: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] },
    ],
  };
  const other: Seccomp = {
    syscalls: [
      { args: [{ op: 'SCMP_CMP_EQ', value: 1, index: 0 }], action: 'SCMP_ACT_ERRNO', names: ['read'] },
    ],
    flags: [],
    defaultAction: 'SCMP_ACT_ALLOW',
  };
  const with2 = (value: number | bigint): Seccomp => ({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] }],
  });
  assert.is(cacheKey(config, 'x'), cacheKey(other, 'x'));
  const keys = [
    cacheKey(config, 'x'),
    cacheKey(config, 'y'),
    cacheKey(with2(2), 'x'),
    cacheKey(with2(2n ** 60n), 'x'),
    cacheKey(with2(2n ** 60n + 1n), 'x'),
    cacheKey({ ...config, defaultAction: 'SCMP_ACT_LOG' }, 'x'),
    cacheKey({ ...config, architectures: ['SCMP_ARCH_X86'] }, 'x'),
  ];
  assert.is(new Set(keys).size, keys.length);
});

(libseccompIdentity() ? test : test.skip)('a filter from the cache is the filter compiled', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  try {
    const config: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' }],
    };
    const plain = compileFilter(config);
    assert.equal(compileFilter(config, directory), plain);
    assert.equal(compileFilter(config, directory), plain);
    assert.is(readdirSync(directory).length, 1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
