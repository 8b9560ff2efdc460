// What a waiting stub gives back: whole pages, however large they are.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MADV_DONTNEED } from '../../src/linux/constants.ts';
import { pageSize, pageSizeIn } from '../../src/linux/page-size.ts';
import { BUFFER_ADDRESS, BUFFER_SIZE, encode } from '../../src/stub/encode.ts';
import { DescriptorTable, Program } from '../../src/stub/program.ts';
import { releaseRest } from '../../src/stub/release.ts';

const test = suite('memory of a waiting stub');

/** What madvise(2) is told by a program with that many bytes of data. */
function released(bytes: number, page: number): number[] {
  const program = new Program(new DescriptorTable([]));
  const isComplete = releaseRest(program, page);
  program.call('write', [1, Buffer.alloc(bytes), bytes], 'test');
  isComplete();
  const { length } = encode(program.operations).message;
  const [address = 0, size = 0, advice] = program.operations[0]?.args.map(Number) ?? [];
  assert.is(advice, MADV_DONTNEED);
  assert.ok(size === 0 || address >= BUFFER_ADDRESS + length, 'the program itself stays');
  return [address - BUFFER_ADDRESS, size];
}

test('all pages behind the program, of 4 KiB, 16 KiB and 64 KiB', () => {
  assert.equal(released(100, 4096), [4096, BUFFER_SIZE - 4096]);
  assert.equal(released(9000, 4096), [12288, BUFFER_SIZE - 12288]);
  assert.equal(released(9000, 16384), [16384, BUFFER_SIZE - 16384]);
  assert.equal(released(20000, 16384), [32768, BUFFER_SIZE - 32768]);
});

test('nothing where the program needs the last page', () => {
  assert.equal(released(100, 65536), [0, 0]);
  assert.equal(released(64000, 4096), [0, 0]);
});

test("the page size is the kernel's", () => {
  const [, kibibytes] = /^KernelPageSize: +(\d+) kB$/m.exec(readFileSync('/proc/self/smaps', 'utf8')) ?? [];
  assert.is(pageSize(), Number(kibibytes) * 1024);
  const words = [33n, 0x7fff_0000_0000n, 6n, 65536n, 0n, 0n];
  assert.is(pageSizeIn(Buffer.from(BigUint64Array.from(words).buffer)), 65536);
});

test.run();
