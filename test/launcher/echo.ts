// A runtime for tests: has the launcher write what it was told and what the runtime itself finds, then exit with 7. With
// the argument `die` it ends without a word.
//
//   echo.ts ARCHITECTURE

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { receiveRequest } from '../../src/launcher/request.ts';
import { receive, send } from '../../src/linux/descriptor.ts';
import { encode } from '../../src/stub/encode.ts';
import { LAST, type Word } from '../../src/stub/program.ts';

const SOCKET = 3;
const STDOUT = 1;
/** asm/unistd_64.h, asm-generic/unistd.h */
const numbers = process.argv[2] === 'arm64' ? { write: 64, exit_group: 94 } : { write: 1, exit_group: 231 };
/** What one program writes. */
const PIECE = 0x8000;

const { control, ...told } = receiveRequest(SOCKET, -1);
if (told.args[0] === 'die') process.exit(9);
const limits = readFileSync('/proc/self/limits', 'utf8');
const runtime = { env: { ...process.env }, cwd: process.cwd(), files: openFiles(), limits };
const text = Buffer.from(JSON.stringify({ ...told, runtime }));
for (let at = 0; at < text.length; at += PIECE) {
  const piece = text.subarray(at, at + PIECE);
  execute('write', STDOUT, piece, piece.length);
  receive(SOCKET, Buffer.alloc(2 * PIECE), 'receive the reply');
}
execute('exit_group', 7);

/** What the descriptors that have names lead to: of the caller's files there should be none. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

function execute(call: 'write' | 'exit_group', ...args: Word[]): void {
  const operation = {
    call,
    args,
    doing: call,
    control: LAST,
    ignored: [],
    opens: undefined,
    closes: undefined,
  };
  const { message } = encode([operation]);
  message.writeBigInt64LE(BigInt(numbers[call]));
  send(SOCKET, message, 'send a program');
}
