// `start` of a container whose last program is executed an operation at a time (`tsoci debug`). Init waits for the go message
// (wait-for-start.ts). With a message that is none it fails at the next operation, replies, and waits for programs from us: the
// rest of the one that `create` has left with it is in the reply.

import { send } from '../../linux/descriptor.ts';
import { TsociError } from '../../linux/errors.ts';
import { hasExecutedNothing, type ProcessIdentity } from '../../linux/procfs.ts';
import { syscallName } from '../../linux/syscall-names.ts';
import { SocketChannel } from '../../stub/channel.ts';
import {
  argumentsAt,
  BUFFER_SIZE,
  callAt,
  controlAt,
  OPERATION_SIZE,
  writeResult,
} from '../../stub/encode.ts';
import type { Stepper } from '../../stub/observer.ts';
import { LAST, type Operation } from '../../stub/program.ts';
import type { SavedOperation } from '../state/record.ts';
import { goMessage, TAKE_GO } from './wait-for-start.ts';

const NO_DESCRIPTOR = -1;
const KILLED = 'it was killed before it executed its program';

/** Has init execute what it was left with; the reply as sendGo has it: empty when it has executed its program. */
export function stepGo(
  stepper: Stepper,
  socket: number,
  { init, control, saved }: { init: ProcessIdentity; control: number; saved: readonly SavedOperation[] },
): Buffer {
  const doing = 'tell init to wait for each operation';
  send(socket, goMessage(NO_DESCRIPTOR), doing);
  const channel = new SocketChannel(socket);
  const message = Buffer.alloc(BUFFER_SIZE);
  const length = channel.receive(message);
  if (length === 0) throw new TsociError(`${doing}: ${KILLED}`);
  const first = saved.findIndex((operation) => operation.doing === TAKE_GO) + 1;
  const left = message.subarray(0, length);
  const operations = saved.slice(first).map((operation, i): Operation => {
    const index = first + i;
    const call = syscallName(callAt(left, index)) ?? 'set_control';
    const { doing: what, ignored, property, executes } = operation;
    const args = executes === undefined ? argumentsAt(left, index) : [executes];
    const bits = controlAt(left, index) & ~LAST;
    return { call, args, doing: what, ignored, control: bits, opens: undefined, closes: undefined, property };
  });
  const executor = { pid: init.pid, role: 'init', control };
  stepper.send(executor, { operations, message: shifted(left, first, saved.length) }, channel);
  const reply = Buffer.alloc(length);
  const replied = stepper.receive(executor, reply, channel);
  if (replied === 0 && hasExecutedNothing(init)) throw new TsociError(`execute the process: ${KILLED}`);
  if (replied === 0) return Buffer.alloc(0);
  // What came before has been done, whatever the message made of it.
  for (let index = 0; index < first; index++) writeResult(left, index, 0);
  reply.copy(left, first * OPERATION_SIZE, 0, operations.length * OPERATION_SIZE);
  return left;
}

/** A message with operations from `first` on, and the data of all where they were. */
function shifted(message: Buffer, first: number, count: number): Buffer {
  const from = first * OPERATION_SIZE;
  const program = Buffer.from(message);
  message.copy(program, 0, from, count * OPERATION_SIZE);
  return program;
}
