// The codec of messages, against bytes that were worked out by hand from the description of the encoding.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { requestForm, responseForm } from '../../src/criu/messages.ts';
import { bool, field, int32, message, repeated, string, uint32 } from '../../src/criu/protobuf.ts';

const test = suite('criu: messages');
const hex = (bytes: Buffer) => bytes.toString('hex');

test('a request for a dump is what criu reads', () => {
  const bytes = requestForm.encode({
    type: 1,
    opts: {
      images_dir_fd: 7,
      pid: 300,
      leave_running: true,
      log_file: 'dump.log',
      ext_mnt: [
        { key: '/a', val: 'a' },
        { key: '/b', val: 'b' },
      ],
      empty_ns: 0x40000000,
    },
  });
  assert.is(
    hex(bytes),
    '0801122c080710ac0218015208' +
      hex(Buffer.from('dump.log')) +
      'ba01070a022f61120161ba01070a022f62120162b0028080808004',
  );
  assert.equal(requestForm.decode(bytes).opts?.ext_mnt, [
    { key: '/a', val: 'a' },
    { key: '/b', val: 'b' },
  ]);
});

test('numbers: the sign, the greatest, 64 bits', () => {
  const form = message({ signed: field(1, int32), unsigned: field(2, uint32), truth: field(3, bool) });
  const bytes = form.encode({ signed: -1, unsigned: 0xffffffff, truth: false });
  assert.is(hex(bytes), '08ffffffffffffffffff01' + '10ffffffff0f' + '1800');
  assert.equal(form.decode(bytes), { signed: -1, unsigned: 0xffffffff, truth: false });
});

test('fields that nobody knows are passed over, whatever their wire type', () => {
  const form = message({ known: field(1, string), many: repeated(2, int32) });
  const unknown = ['5005', `5d${'00'.repeat(4)}`, `61${'00'.repeat(8)}`, '6a0201ff'].join('');
  assert.equal(form.decode(Buffer.from(`${unknown}0a0161${unknown}10011002`, 'hex')), {
    known: 'a',
    many: [1, 2],
  });
});

test('an answer with notification and pid', () => {
  const bytes = Buffer.from('080610012a110a0c706f73742d726573746f726510c901', 'hex');
  assert.equal(responseForm.decode(bytes), {
    type: 6,
    success: true,
    notify: { script: 'post-restore', pid: 201 },
  });
});

for (const [name, bytes] of [
  ['a string', '5205616263'],
  ['a number', '08ff'],
  ['a number without end', `08${'ff'.repeat(11)}`],
  ['a wire type that there is not', '0b'],
] as const) {
  test(`what is cut off is an error: ${name}`, () => {
    assert.throws(() => responseForm.decode(Buffer.from(bytes, 'hex')), /cut off/);
  });
}

test.run();
