// How init waits for `start`, and how `start` has it go on: both sides of the socket ROOT/ID/start.sock.
//
//   init, in the program that `create` leaves with it       start
//   close    its connection to `create`
//   accept4  waits                                          connects
//   read     waits                                          sends the go message
//   fcntl    fails without that message
//   …        up to execve(2), which closes the socket       reads end of file: success
//            or an operation fails, and the stub replies    reads the results: the first failure is its error
//
// `start` may die before it has sent the message. Init must not execute the program then. So the message is read over the
// first argument of the fcntl(2), the number of a descriptor: without the message that argument stays -1, the call fails,
// and the stub exits at the end of file.

import { executionOf, explainExecve } from '../../diagnosis/explain-execve.ts';
import { F_GETFD, SOCK_CLOEXEC } from '../../linux/constants.ts';
import { receive, send } from '../../linux/descriptor.ts';
import { ECONNREFUSED, ENOENT } from '../../linux/errno.ts';
import { errnoOf, TsociError } from '../../linux/errors.ts';
import { boundReceives, patiently } from '../../linux/patience.ts';
import { hasExecutedNothing, type ProcessIdentity } from '../../linux/procfs.ts';
import { step } from '../../linux/steps.ts';
import { connectTo } from '../../linux/unix-socket.ts';
import { argumentAddress, BUFFER_SIZE, resultAt } from '../../stub/encode.ts';
import type { Program } from '../../stub/program.ts';
import type { SavedOperation } from '../state/record.ts';
import { startSocket } from '../state/store.ts';

/** Bytes of the go message: one argument of an operation, the number of init's control descriptor. */
const GO_MESSAGE_SIZE = 8;

/** What the accept4(2) is for, by which it is known among the operations of the program. */
export const WAIT_FOR_START = 'wait for start';
/** What the fcntl(2) is for: the operations behind it are those of the process. */
export const TAKE_GO = 'take the go message';

/** Init's side. The connection of `start` gets the number of that to `create`, `control`: the lowest free. */
export function waitForStart(program: Program, control: number, listener: number): void {
  program.close(control);
  const accepted = program.open('accept4', [listener, 0, 0, SOCK_CLOEXEC], WAIT_FOR_START);
  if (accepted !== control) throw new Error(`init will accept ${accepted} where ${control} was expected`);
  const next = program.length + 1;
  program.call('read', [control, argumentAddress(next, 0), GO_MESSAGE_SIZE], 'wait for the go message');
  program.call('fcntl', [-1, F_GETFD, 0], TAKE_GO);
}

/** The side of `start`: a socket connected to the init that waits in this container. */
export function connectToInit(directory: string, id: string): number {
  try {
    return connectTo(startSocket(directory), 'seqpacket');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === ECONNREFUSED || errno === ENOENT)
      throw new TsociError(`start ${id}: its init does not wait any more`);
    throw error;
  }
}

/** A number that is none of its descriptors has init stop before its program, and hear from us by `control`. */
export function goMessage(control: number): Buffer {
  const message = Buffer.alloc(GO_MESSAGE_SIZE);
  message.writeBigInt64LE(BigInt(control));
  return message;
}

/**
 * Sends the go message and waits for what becomes of it: the reply of init, empty when it has executed its program. That is
 * as long as init is held up: frozen, stopped, or executing a file of a filesystem that does not answer.
 */
export function sendGo(socket: number, init: ProcessIdentity, control: number): Buffer {
  const message = goMessage(control);
  const doing = 'tell init to go';
  step(doing);
  send(socket, message, doing);
  const reply = Buffer.alloc(BUFFER_SIZE);
  boundReceives(socket);
  const length = patiently(() => receive(socket, reply, 'hear from init')) ?? 0;
  if (length === 0 && hasExecutedNothing(init))
    throw new TsociError(`${doing}: it was killed before it executed its program`);
  return reply.subarray(0, length);
}

/**
 * The error of a reply: the first operation that failed of the program that `create` has left with init, which is there
 * until the socket is closed.
 */
export function failureOf(reply: Buffer, program: readonly SavedOperation[], pid: number): TsociError {
  for (const [index, { doing, ignored, executes, property }] of program.entries()) {
    const result = resultAt(reply, index);
    if (result >= 0 || ignored.includes(-result)) continue;
    const error = TsociError.fromErrno(doing, -result).for(property);
    return executes === undefined
      ? error
      : explainExecve(error, executes, { execution: () => executionOf(pid) });
  }
  return new TsociError('init did not execute its program');
}
