// A stub that is told system calls by their bare numbers: all that there are, not only those tsoci has a name for.

import type { WaitStatus } from '../../src/linux/wait.ts';
import type { Channel } from '../../src/stub/channel.ts';
import { BUFFER_ADDRESS } from '../../src/stub/encode.ts';
import { CONTINUE_ON_ERROR } from '../../src/stub/program.ts';
import { testCaller, testLauncher } from '../launcher/driven.ts';

const OPERATION_SIZE = 64;
const LAST = 4;

export interface RawCall {
  number: number;
  args?: readonly (number | bigint)[];
}

export class RawStub {
  readonly #channel: Channel;
  readonly #pid: number;

  constructor() {
    const { stdio } = testCaller();
    const { pid, channel, child } = testLauncher().start({ stdio, preserved: 0, extra: [] });
    this.#pid = pid;
    this.#channel = channel;
    child.close();
  }

  /** The address that byte `offset` of the data behind `count` calls will have. */
  static address(count: number, offset = 0): number {
    return BUFFER_ADDRESS + count * OPERATION_SIZE + offset;
  }

  /** The result of each call; undefined when the stub died of one. */
  run(calls: readonly RawCall[], data: Uint8Array = new Uint8Array()): number[] | undefined {
    const message = Buffer.alloc(calls.length * OPERATION_SIZE + data.length);
    calls.forEach(({ number, args = [] }, i) => {
      const at = i * OPERATION_SIZE;
      message.writeBigInt64LE(BigInt(number), at);
      args.forEach((argument, j) => {
        message.writeBigUInt64LE(BigInt.asUintN(64, BigInt(argument)), at + 8 + j * 8);
      });
      const control = CONTINUE_ON_ERROR | (i === calls.length - 1 ? LAST : 0);
      message.writeBigUInt64LE(BigInt(control), at + 56);
    });
    message.set(data, calls.length * OPERATION_SIZE);
    this.#channel.send(message, 'send calls to the stub');
    const length = this.#channel.receive(message);
    if (length === 0) return undefined;
    return calls.map((_, i) => Number(message.readBigInt64LE(i * OPERATION_SIZE + 56)));
  }

  end(): WaitStatus {
    this.#channel.close();
    return testLauncher().wait(this.#pid);
  }
}
