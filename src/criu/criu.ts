// criu at work: `criu swrk FD` serves one caller on a socket (criu.org/RPC). A request goes one way; notifications come the
// other, each of which criu waits to have answered, and at last the response.

import { F_SETFD, SIGKILL, SOCK_SEQPACKET } from '../linux/constants.ts';
import { closeDescriptor, readable, receiveDescriptors, send, socketPair } from '../linux/descriptor.ts';
import { ECONNRESET, EPIPE } from '../linux/errno.ts';
import { errnoOf, messageOf, TsociError } from '../linux/errors.ts';
import { syscall } from '../linux/ffi.ts';
import { step } from '../linux/steps.ts';
import { SYS } from '../linux/syscalls.ts';
import { checkWanted } from '../linux/wanted.ts';
import type { Launcher } from '../stub/launcher.ts';
import { stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { Idleness } from './idleness.ts';
import {
  type CriuFeature,
  type CriuOptions,
  type Request,
  RequestType,
  type Response,
  requestForm,
  responseForm,
} from './messages.ts';

/** The oldest version that has all that is asked of it: SINGLE_PRE_DUMP, and notifications in place of a status descriptor. */
const OLDEST = { major: 3, minor: 15 };
/** Bytes of a message from criu: more than any has. */
const MESSAGE_SIZE = 65_536;
/** Milliseconds between two looks whether the outcome is wanted still, and whether criu does anything. */
const LOOK = 1000;
/** Milliseconds for criu to end once it has been let go of: it takes back what it was doing. */
const GRACE = 10_000;

/** What criu tells of in the middle of a request. */
export interface Notification {
  /** criu's name of the stage: setup-namespaces, post-restore, … */
  script: string;
  /** The container's init, in restoring. */
  pid: number | undefined;
  /** A descriptor that has come with it, for whoever handles it to close. */
  fd: number | undefined;
}

/** criu does not do, or has not done, what it was asked for. Its log may say why. */
export class CriuError extends TsociError {
  override name = 'CriuError';
}

export interface CriuStart {
  launcher: Launcher;
  /** The path of criu. */
  program: string;
  env: readonly string[];
  stdio: readonly [stdin: number, stdout: number, stderr: number];
  /** Our descriptors that it inherits. Their numbers there: Criu.inherited. */
  inherited?: readonly number[];
  /** Whether it stays in the session of the caller. Otherwise what is typed at the caller's terminal does not end it. */
  sameSession: boolean;
  /** What is done to the process before it becomes criu. */
  prepare?: (stub: StubProcess) => void;
}

export interface CriuRequest {
  type: 'DUMP' | 'RESTORE' | 'SINGLE_PRE_DUMP';
  opts: CriuOptions;
  /** A notification that it does not care for is answered all the same. An error ends criu's work. */
  notified?: (notification: Notification) => void;
  /** Milliseconds that criu may do nothing at all; Infinity where it may wait for others. */
  idle: number;
}

export class Criu implements Disposable {
  readonly pid: number;
  /** The numbers in criu of what it inherits. */
  readonly inherited: readonly number[];
  readonly #stub: StubProcess;
  readonly #socket: number;
  #ended = false;

  private constructor(stub: StubProcess, socket: number, inherited: readonly number[]) {
    this.#stub = stub;
    this.pid = stub.pid;
    this.#socket = socket;
    this.inherited = inherited;
  }

  /** Starts it, as a child of the launcher. */
  static start(given: CriuStart): Criu {
    const { launcher, program: path, env, stdio, inherited = [], sameSession, prepare } = given;
    step(`start ${path}`);
    using opened = new DisposableStack();
    const [ours, theirs] = socketPair(SOCK_SEQPACKET);
    opened.defer(() => closeDescriptor(ours));
    let stub: StubProcess;
    try {
      stub = StubProcess.spawn(launcher, { stdio, extra: [theirs, ...inherited], role: 'criu' });
    } finally {
      closeDescriptor(theirs);
    }
    opened.defer(() => stub.dismiss());
    prepare?.(stub);
    const program = stub.program();
    if (!sameSession) program.call('setsid', [], 'start a session');
    const numbers = [theirs, ...inherited].map((_, i) => stub.extra(i));
    for (const fd of numbers) program.call('fcntl', [fd, F_SETFD, 0], 'hand a descriptor to criu');
    const [socket = -1, ...others] = numbers;
    const args = ['criu', 'swrk', String(socket)];
    program.call('execve', [path, stringArray(args), stringArray([...env])], `execute ${path}`);
    stub.exec(program);
    opened.move();
    return new Criu(stub, ours, others);
  }

  /** Refuses a criu that is too old. */
  checkVersion(): void {
    const { version } = this.#ask({ type: RequestType.VERSION, keep_open: true });
    const { major_number: major = 0, minor_number: minor = 0 } = version ?? {};
    if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
    throw new CriuError(`criu ${major}.${minor} is too old: ${OLDEST.major}.${OLDEST.minor} is needed`);
  }

  /** Refuses to go on where criu, or the kernel, has not what an option needs. */
  checkFeature(feature: CriuFeature, option: string): void {
    const asked = { type: RequestType.FEATURE_CHECK, keep_open: true, features: { [feature]: true } };
    const { features } = this.#ask(asked);
    if (!features?.[feature]) throw new CriuError(`${option}: criu, or this kernel, has no ${feature}`);
  }

  /** Has it do its work. The response is one of success, or one that says why not. */
  request({ type, opts, notified, idle }: CriuRequest): Response {
    step(`criu: ${type}`);
    this.#send({ type: RequestType[type], opts });
    for (;;) {
      const { response, fd } = this.#receive(idle);
      if (response.type !== RequestType.NOTIFY) {
        if (fd !== undefined) closeDescriptor(fd);
        return response;
      }
      const { script = '', pid } = response.notify ?? {};
      step(`criu: ${script}`);
      try {
        if (notified) notified({ script, pid, fd });
        else if (fd !== undefined) closeDescriptor(fd);
      } catch (error) {
        this.#refuse();
        throw error;
      }
      this.#send({ type: RequestType.NOTIFY, notify_success: true });
    }
  }

  /** Lets go of it, and waits for its end; one that does not end by itself is killed. */
  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    closeDescriptor(this.#socket);
    let ended: ReturnType<StubProcess['waitBriefly']> | undefined;
    try {
      ended = this.#stub.waitBriefly(GRACE);
    } catch {
      // The launcher is gone.
    }
    if (typeof ended !== 'object') this.#stub.dismiss();
  }

  /** At once, without time to take anything back. */
  kill(): void {
    syscall(SYS.kill, this.pid, SIGKILL);
  }

  #ask(request: Request): Response {
    this.#send(request);
    const { response } = this.#receive(GRACE);
    if (response.success) return response;
    throw new CriuError(`criu refuses a request of type ${request.type}`);
  }

  #refuse(): void {
    try {
      this.#send({ type: RequestType.NOTIFY, notify_success: false });
    } catch {
      // What it was told of has failed, which is the error to tell.
    }
  }

  #send(request: Request): void {
    try {
      send(this.#socket, requestForm.encode(request), 'send a request to criu');
    } catch (error) {
      throw errnoOf(error) === EPIPE ? this.#died() : error;
    }
  }

  #receive(idle: number): { response: Response; fd: number | undefined } {
    const idleness = new Idleness(this.pid, idle);
    while (!readable(this.#socket, LOOK)) {
      checkWanted();
      if (!idleness.exceeded()) continue;
      this.kill();
      throw new CriuError(`criu has done nothing for ${Math.round(idle / 1000)} s`);
    }
    const buffer = Buffer.alloc(MESSAGE_SIZE);
    let length = 0;
    let fds: number[] = [];
    try {
      ({ length, fds } = receiveDescriptors(this.#socket, buffer, 1, 'receive an answer of criu'));
    } catch (error) {
      if (errnoOf(error) !== ECONNRESET) throw error;
    }
    if (length === 0) throw this.#died();
    try {
      return { response: responseForm.decode(buffer.subarray(0, length)), fd: fds[0] };
    } catch (error) {
      for (const fd of fds) closeDescriptor(fd);
      throw new CriuError(`criu answers what is no message: ${messageOf(error)}`);
    }
  }

  #died(): CriuError {
    this[Symbol.dispose]();
    const { code, signal } = this.#stub.wait();
    return new CriuError(`criu has died: ${signal ? `signal ${signal}` : `exit status ${code}`}`);
  }
}
