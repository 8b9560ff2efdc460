// What a stub, or a process in its place, answers to a program (src/stub/results.ts).

import { encode, OPERATION_SIZE } from '../../../src/stub/encode.ts';
import { DescriptorTable, Program } from '../../../src/stub/program.ts';
import { Results } from '../../../src/stub/results.ts';
import { holds, unlessRefused } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const table = new DescriptorTable([0, 1, 2]);
  const program = new Program(table);
  const bytes = Buffer.alloc(16);
  program.call('getcwd', [bytes, bytes.length], 'find the directory', { ignored: [2] });
  program.open('openat2', [], 'open the root');
  program.tryOpen('openat', [], 'open what may be missing', [2]);
  program.closeFrom(3);
  program.call('getpid', [], 'ask for the pid');
  const { message, offsets } = encode(program.operations);
  const reply = data.subarray(0, message.length);
  const results = new Results();
  const added = unlessRefused(() => results.add(program.operations, reply, offsets, table));
  if (!added) return;
  for (let index = 0; index < program.length; index++) {
    const result = unlessRefused(() => results.at(index));
    holds(result === undefined || Number.isFinite(result.value), `result ${index} is no number`);
  }
  const read = unlessRefused(() => results.bytes(bytes));
  if (read) holds(read.value.length === bytes.length, `${read.value.length} bytes of ${bytes.length}`);
  holds(reply.length >= OPERATION_SIZE, 'an answer to nothing');
}
