// How a program is laid out: what each argument points to.

import { openSync, writeSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EPERM } from '../../src/linux/errno.ts';
import { errnoOf } from '../../src/linux/errors.ts';
import { argumentsAt, BUFFER_ADDRESS, encode, HEAP_ADDRESS, writeResult } from '../../src/stub/encode.ts';
import { executableImage } from '../../src/stub/executable-image.ts';
import { DescriptorTable, Program, Structure, type Word } from '../../src/stub/program.ts';
import { Results } from '../../src/stub/results.ts';

const test = suite('the layout of a program');

function programOf(...calls: Word[][]): Program {
  const program = new Program(new DescriptorTable([]));
  for (const args of calls) program.call('openat2', args, 'test');
  return program;
}

/** The bytes behind an address, up to a NUL. */
function stringAt(message: Buffer, address: bigint | undefined): string {
  const start = Number(address) - BUFFER_ADDRESS;
  return message.toString('utf8', start, message.indexOf(0, start));
}

test('strings are UTF-8 with a NUL behind, whatever characters they have; equal ones are there once', () => {
  const strings = ['', 'a', 'plain/path', 'größer', 'päth'.repeat(100), '文件', '😀', 'x'.repeat(5000)];
  const { operations } = programOf(...strings.map((string) => [string, string]));
  const { message } = encode(operations);
  for (const [i, string] of strings.entries()) {
    const [first, second] = argumentsAt(message, i);
    assert.is(stringAt(message, first), string);
    assert.is(first, second);
  }
});

test('structures point further, to what may be larger than all before', () => {
  const bytes = Buffer.alloc(9000, 7);
  const inner = new Structure([bytes, 2n ** 64n - 1n, -1, 2 ** 40]);
  const { message, offsets } = encode(programOf([3, inner, 'end']).operations);
  const at = Number(argumentsAt(message, 0)[1]) - BUFFER_ADDRESS;
  const words = [0, 1, 2, 3].map((i) => message.readBigUInt64LE(at + i * 8));
  const place = Number(words[0]) - BUFFER_ADDRESS;
  assert.equal(words.slice(1), [2n ** 64n - 1n, 2n ** 64n - 1n, 2n ** 40n]);
  assert.is(offsets.get(bytes), place);
  assert.ok(message.subarray(place, place + bytes.length).equals(bytes));
  assert.is(stringAt(message, argumentsAt(message, 0)[2]), 'end');
});

test('data for another address is apart from the operations', () => {
  const { message, data } = encode(programOf([1, 'one'], [2, 'two']).operations, HEAP_ADDRESS);
  assert.is(message.length, 128);
  assert.is(argumentsAt(message, 1)[1], BigInt(HEAP_ADDRESS + 8));
  assert.is(data.toString('latin1'), 'one\0\0\0\0\0two\0\0\0\0\0');
});

test('a reply that is cut off is an error', () => {
  const bytes = Buffer.alloc(8);
  const program = programOf([1, bytes], [2]);
  const { message, offsets } = encode(program.operations);
  const read = (length: number) => {
    const results = new Results();
    results.add(program.operations, message.subarray(0, length), offsets, new DescriptorTable([]));
    return results;
  };
  assert.is(read(message.length).bytes(bytes).length, 8);
  for (const length of [0, 63, 64, 127])
    assert.throws(() => read(length), new RegExp(`cut off: it has ${length} bytes`));
  assert.throws(() => read(message.length - 1).bytes(bytes), /cut off/);
});

test('no table is made for a descriptor that cannot be', () => {
  const table = new DescriptorTable([]);
  const program = new Program(table);
  program.tryOpen('openat2', [], 'open it', []);
  const { message, offsets } = encode(program.operations);
  const reply = (result: number) => {
    writeResult(message, 0, result);
    return () => new Results().add(program.operations, message, offsets, table);
  };
  for (const result of [2 ** 20, 2 ** 32 - 2, 2 ** 40])
    assert.throws(reply(result), new RegExp(`open it: a reply tells of descriptor ${result}`));
  reply(2 ** 20 - 1)();
});

test('the image of the stub is one for all stubs of this process, and sealed', () => {
  using first = executableImage();
  using second = executableImage();
  assert.is(first.fd, second.fd);
  assert.throws(
    () => writeSync(openSync(`/proc/self/fd/${first.fd}`, 'r+'), 'x'),
    (error: unknown) => errnoOf(error) === EPERM,
  );
});

test.run();
