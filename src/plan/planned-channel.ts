// Channels to planned processes, which stand in for stubs: their programs are answered, not executed.

import type { Execution } from '../diagnosis/program.ts';
import { TsociError } from '../linux/errors.ts';
import { syscallName } from '../linux/syscall-names.ts';
import type { Channel } from '../stub/channel.ts';
import {
  argumentsAt,
  BUFFER_ADDRESS,
  callAt,
  controlAt,
  HEAP_ADDRESS,
  stops,
  writeResult,
} from '../stub/encode.ts';
import type { Launcher } from '../stub/launcher.ts';
import { LAST } from '../stub/program.ts';
import { Memory } from '../trace/stub-memory.ts';
import { OpenFiles } from './open-files.ts';
import { Filesystem, Mount, Place } from './planned-files.ts';
import { PlannedProcess, type World } from './planned-process.ts';

/** Above all that the kernel hands out (PID_MAX_LIMIT of linux/threads.h): no process has it. */
const FIRST_PID = 0x400001;

/** Starts stubs for a plan. None of them has to be waited for. */
export function plannedLauncher(caller: {
  uid: number;
  gid: number;
  umask: number;
  setgroupsDenied: boolean;
  /** The directory of the cgroup that would have been made. */
  cgroup: string | undefined;
}): Launcher {
  const world: World = {
    uid: caller.uid,
    gid: caller.gid,
    umask: caller.umask,
    setgroupsDenied: caller.setgroupsDenied,
    nextPid: FIRST_PID,
    init: undefined,
    passed: [],
  };
  const files = new Filesystem(['/']);
  if (caller.cgroup !== undefined) files.putDirectories(caller.cgroup);
  const host = new Mount(files);
  const start: Launcher['start'] = ({ stdio, preserved, extra }) => {
    const count = stdio.length + 2 + preserved + extra.length;
    const open = new Map(Array.from({ length: count }, (_, fd) => [fd, {}]));
    const process = new PlannedProcess(world, new OpenFiles(open, new Place(host)), stdio.length);
    const child = new PlannedChannel();
    return { pid: process.pid, channel: new PlannedChannel(process, child), child };
  };
  const ended = () => ({ code: 0, signal: 0 });
  return { control: -1, alive: true, start, wait: ended, reap: () => {}, waitBriefly: ended };
}

class PlannedChannel implements Channel {
  readonly real = false;
  #process: PlannedProcess | undefined;
  readonly #child: PlannedChannel | undefined;
  #reply = Buffer.alloc(0);
  #heap = Buffer.alloc(0);
  /** How many bytes the next message has, when it is data for a read(2) of a program. */
  #expected: number | undefined;

  constructor(process?: PlannedProcess, child?: PlannedChannel) {
    this.#process = process;
    this.#child = child;
  }

  send(message: Uint8Array): void {
    if (this.#expected !== undefined) {
      this.#heap = Buffer.concat([this.#heap, message]);
      this.#expected = undefined;
      return;
    }
    this.#reply = Buffer.from(message);
    if (this.#process) this.#run(this.#process, 0);
  }

  receive(buffer: Uint8Array): number {
    this.#reply.copy(buffer);
    return this.#reply.length;
  }

  /** What they are of is known to the world of the plan. */
  sendDescriptors(): void {}

  /** A message that brings descriptors is one byte long. The reply to the program follows it. */
  receiveDescriptors(_buffer: Uint8Array, most: number): { length: number; fds: number[] } {
    return { length: 1, fds: new Array<number>(most).fill(-1) };
  }

  execution(): Execution & Disposable {
    if (!this.#process) throw new TsociError('no planned process is at the other end');
    return { ...this.#process.execution(), [Symbol.dispose]: () => {} };
  }

  close(): void {}

  /** The loop of stub-x64.S. */
  #run(process: PlannedProcess, first: number): void {
    const memory = new Memory([
      { address: BUFFER_ADDRESS, bytes: this.#reply },
      { address: HEAP_ADDRESS, bytes: this.#heap },
    ]);
    for (let index = first; ; index++) {
      const control = controlAt(this.#reply, index);
      const words = argumentsAt(this.#reply, index);
      const name = syscallName(callAt(this.#reply, index));
      const result = this.#execute(process, name, words, memory, index);
      if (name === 'execve' && result === 0) {
        // A process that has executed something else does not reply.
        this.#reply = Buffer.alloc(0);
        return;
      }
      writeResult(this.#reply, index, result);
      if (stops(control, result) || control & LAST) return;
    }
  }

  #execute(
    process: PlannedProcess,
    name: string | undefined,
    words: readonly bigint[],
    memory: Memory,
    index: number,
  ): number {
    if (name === undefined) {
      process.control = Number(words[0]);
      return 0;
    }
    if (name === 'clone3') {
      const child = process.fork(Number((memory.word(words[0] ?? 0n) ?? 0n) & 0xffffffffn));
      this.#child?.begin(child, this.#reply, index);
      return child.pid;
    }
    const result = process.execute(name, words, memory);
    if (name === 'read' && Number(words[1]) >= HEAP_ADDRESS) this.#expected = result;
    return result;
  }

  /** A child goes on with the operation behind the clone3(2) that made it. */
  begin(process: PlannedProcess, message: Buffer, index: number): void {
    this.#process = process;
    this.#reply = Buffer.from(message);
    writeResult(this.#reply, index, 0);
    this.#run(process, index + 1);
  }
}
