// The addon: calls of the kernel and of C libraries, with every kind of argument.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EBADF } from '../../src/linux/errno.ts';
import { addressOf, cString, openLibrary, readBytes, syscall } from '../../src/linux/ffi.ts';
import { SYS } from '../../src/linux/syscalls.ts';

const test = suite('linux: ffi');

test('a system call answers its result, or -errno', () => {
  assert.is(syscall(SYS.getpid), process.pid);
  assert.is(syscall(SYS.close, -1), -EBADF);
});

test('an argument is a number, a bigint, null, or an array for the address of its bytes', () => {
  const path = new Uint8Array(64);
  const length = syscall(SYS.getcwd, path.subarray(8), 56n);
  assert.is(Buffer.from(path).toString('utf8', 8, 8 + length - 1), process.cwd());
  assert.is(path[0], 0);
  for (const wrong of ['text', undefined, {}, new Uint16Array(4)])
    assert.throws(
      () => syscall(SYS.close, wrong as unknown as number),
      /no number, bigint, null or Uint8Array/,
    );
});

test('all six arguments are passed on, and no more than these', () => {
  const size = 4096;
  const [read, privately, anonymous] = [1, 2, 0x20];
  const address = syscall(SYS.mmap, 0, size, read, privately | anonymous, -1, 0n, cString('kept alive'));
  assert.ok(address > 0, String(address));
  assert.equal(readBytes(address, 4), Buffer.alloc(4));
  assert.is(openLibrary().int('munmap')(address, size), 0);
});

test('the address of a buffer stays what it is', () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const address = addressOf(bytes);
  new Uint8Array(bytes.buffer)[0] = 5;
  assert.is(addressOf(bytes), address);
  assert.equal([...readBytes(Number(address), 4)], [5, 2, 3, 4]);
  assert.is(addressOf(bytes.subarray(1)), address + 1n);
});

test('an int of a C function may be negative', () => {
  assert.is(openLibrary().int('abs')(-5), 5);
  assert.is(openLibrary().int('strcmp')(cString('a'), cString('b')) < 0, true);
});

test('a library or function that is not there is named', () => {
  assert.throws(() => openLibrary('/no/lib.so'), /\/no\/lib\.so: cannot open shared object file|not found/);
  assert.throws(() => openLibrary().int('no_such_function'), /no_such_function/);
});

test.run();
