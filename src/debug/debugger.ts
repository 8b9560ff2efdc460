// `tsoci debug`: starts a command and has it come to us, or goes to one that waits; then shows what it tells, and asks a person
// what to do.

import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { listOf } from '../config/variables.ts';
import { exitStatus } from '../container/attach/end.ts';
import type { Caller } from '../launcher/caller.ts';
import { O_RDWR, POLLHUP, POLLIN } from '../linux/constants.ts';
import { check, closeDescriptor, type Poll, poll } from '../linux/descriptor.ts';
import { TsociError } from '../linux/errors.ts';
import { screenOf } from '../linux/screen.ts';
import { isTerminal } from '../linux/termios.ts';
import { connectTo } from '../linux/unix-socket.ts';
import type { WaitStatus } from '../linux/wait.ts';
import { stringArray } from '../stub/program.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { acceptPeer, debugDirectory, listenForPeer } from './debuggee.ts';
import { complete, Dialogue, type Other } from './dialogue.ts';
import { HeldSignals } from './held-signals.ts';
import { type CommandInput, Script, Terminal } from './input.ts';
import { PlanAhead, type Planner } from './plan-ahead.ts';
import { type Answer, type Event, MessageSocket, type Request } from './protocol.ts';
import { painter, wrap } from './text.ts';

export interface DebuggerOptions {
  /** The state directory. */
  root: string;
  breaks: readonly string[];
  /** A file to read commands from; undefined: standard input. */
  commandFile: string | undefined;
  json: boolean;
  /** The plan of the container, where one is made. */
  planner?: Planner | undefined;
}

/** How long a command may take to come to us, in milliseconds: it has nothing to do before. */
const COME_TIMEOUT = 20_000;

/** Starts tsoci with `args`, and debugs it. The exit status is that of this command. */
export async function debugCommand(
  caller: Caller,
  options: DebuggerOptions,
  tsoci: string,
  args: readonly string[],
): Promise<number> {
  using input = openInput(caller, options);
  const path = join(debugDirectory(options.root), String(caller.pid));
  let started: { child: StubProcess; connection: number | undefined };
  {
    using listening = listenForPeer(path);
    const child = start(caller, input, { options, tsoci, args, path });
    started = { child, connection: awaitCommand(caller, listening.socket, child) };
  }
  const { child, connection } = started;
  if (connection !== undefined) {
    try {
      await new Debugger(caller, options, input, child.pid).serve(connection);
    } finally {
      // Whatever has happened here: it gives up now.
      closeDescriptor(connection);
    }
  }
  return exitStatus(awaitEnd(child));
}

/** Debugs a command that waits: by the id of its container, or by the path of its socket. */
export async function attachDebugger(
  caller: Caller,
  options: DebuggerOptions,
  name: string,
): Promise<number> {
  using input = openInput(caller, options);
  const connection = connectTo(socketOf(options.root, name, caller), 'stream');
  try {
    await new Debugger(caller, options, input, undefined).serve(connection);
  } finally {
    closeDescriptor(connection);
  }
  return 0;
}

/** Where the command of a container waits. */
function socketOf(root: string, name: string, { env }: Caller): string {
  if (name.startsWith('/')) return name;
  const places = [debugDirectory(root), ...(env.TSOCI_DEBUG ? [env.TSOCI_DEBUG] : [])];
  const found = places.map((directory) => join(directory, name)).find((path) => existsSync(path));
  if (found) return found;
  throw new TsociError(
    `debug --attach ${name}: no command for it waits in ${places.join(' or ')}; is it of another --root?`,
  );
}

interface Opened extends Disposable {
  source: CommandInput;
  signals: HeldSignals;
  /** The config of which names are completed. */
  config: { text: string | undefined };
}

function openInput(caller: Caller, { commandFile, json }: DebuggerOptions): Opened {
  const [stdin, stdout] = caller.stdio;
  const config: Opened['config'] = { text: undefined };
  const signals = new HeldSignals(caller);
  const fd = commandFile === undefined ? stdin : openFile(commandFile);
  const typed = !json && commandFile === undefined && isTerminal(stdin) && isTerminal(stdout);
  const source = typed
    ? new Terminal(stdin, signals, {
        write: (text) => caller.write(stdout, text),
        complete: (line) => complete(line, config.text),
      })
    : new Script(fd, signals);
  const opened = new DisposableStack();
  if (fd !== stdin) opened.adopt(fd, closeSync);
  return { source, signals, config, [Symbol.dispose]: () => opened.dispose() };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw TsociError.from(`open ${path}`, error);
  }
}

/** What is read for commands is none of the container's; with JSON the output is none of the container's either. */
function start(
  caller: Caller,
  { source }: Opened,
  {
    options: { json, commandFile },
    tsoci,
    args,
    path,
  }: { options: DebuggerOptions; tsoci: string; args: readonly string[]; path: string },
): StubProcess {
  const [stdin, stdout, stderr] = caller.stdio;
  const nothing = openSync('/dev/null', O_RDWR);
  try {
    const input = source.terminal || commandFile !== undefined ? stdin : nothing;
    const stdio = [input, json ? stderr : stdout, stderr] as const;
    const stub = StubProcess.spawn(caller.launcher, { stdio, role: 'command' });
    const program = stub.program();
    const env = listOf({ ...caller.env, TSOCI_DEBUGGER: path });
    program.call('execve', [tsoci, stringArray(['tsoci', ...args]), stringArray(env)], `execute ${tsoci}`);
    stub.exec(program);
    return stub;
  } finally {
    closeSync(nothing);
  }
}

/** The connection of the command; undefined where it has ended first. */
function awaitCommand(caller: Caller, socket: number, { pid }: StubProcess): number | undefined {
  const pidfd = check(`open process ${pid}`, 'pidfd_open', pid, 0);
  try {
    const wanted = [socket, pidfd].map((fd) => ({ fd, events: POLLIN }));
    const [come] = poll(wanted, COME_TIMEOUT);
    return come ? acceptPeer(socket, 0, caller) : undefined;
  } finally {
    closeDescriptor(pidfd);
  }
}

/** How it ended. The wait is given up when the caller is killed. */
function awaitEnd(child: StubProcess): WaitStatus {
  const pidfd = check(`open process ${child.pid}`, 'pidfd_open', child.pid, 0);
  try {
    poll([{ fd: pidfd, events: POLLIN }], -1);
  } finally {
    closeDescriptor(pidfd);
  }
  return child.wait();
}

class Debugger {
  readonly #caller: Caller;
  readonly #options: DebuggerOptions;
  readonly #input: Opened;
  readonly #child: number | undefined;
  readonly #dialogue: Dialogue;
  readonly #json: ((value: unknown) => void) | undefined;
  /** The terminal, of which only its end is looked for. */
  readonly #hangup: readonly Poll[];
  /** Breakpoints of the command line that were not set yet: requests are answered while it is stopped. */
  readonly #breaks: string[];

  constructor(caller: Caller, options: DebuggerOptions, input: Opened, child: number | undefined) {
    this.#caller = caller;
    this.#options = options;
    this.#breaks = [...options.breaks];
    this.#input = input;
    this.#child = child;
    const [stdin] = caller.stdio;
    this.#hangup = isTerminal(stdin) ? [{ fd: stdin, events: 0 }] : [];
    const [, stdout] = caller.stdio;
    const write = (text: string) => caller.write(stdout, text);
    this.#json = options.json ? (value) => write(`${JSON.stringify(value)}\n`) : undefined;
    const ahead = new PlanAhead(options.planner);
    this.#dialogue = new Dialogue(
      caller,
      { input: input.source, signals: input.signals, ahead },
      {
        lines: (lines) => write(lines.map((line) => `${line}\n`).join('')),
        json: this.#json,
        paint: painter(screenOf(stdout, caller.env)?.colour ?? false),
      },
    );
  }

  /** Takes what the command tells, up to its end. */
  async serve(connection: number): Promise<void> {
    const other: Other = new MessageSocket<Event | Answer, Request>(connection);
    for (let event = this.#next(other); event; event = this.#next(other)) {
      if ('answer' in event) continue;
      if (this.#json && event.event !== 'stopped') this.#json(event);
      switch (event.event) {
        case 'config':
          this.#dialogue.config = event;
          this.#input.config.text = event.text;
          break;
        case 'stopped':
          for (const where of this.#breaks.splice(0)) this.#dialogue.breakAt(other, where);
          if (event.reason === 'start' && this.#options.breaks.length > 0) this.#dialogue.go(other);
          else if ((await this.#dialogue.stop(other, event)) === 'gone') return;
          break;
        case 'warning':
          this.#dialogue.warn(event.message);
          break;
        case 'executing':
          if (this.#child !== undefined) this.#input.signals.hold();
          this.#tell(`process ${event.pid} executes ${event.path}`);
          other.send({ request: 'ready' });
          break;
        case 'undoing':
          this.#tell('what was made is taken back');
          break;
        case 'hello':
        case 'done':
          break;
      }
    }
  }

  /** Waits for the next event; undefined when the command is gone. */
  #next(other: Other): Event | Answer | undefined {
    for (;;) {
      const message = other.next();
      if (message) return message;
      const wanted = [{ fd: other.fd, events: POLLIN }, ...this.#hangup];
      const [come, hungUp = 0] = poll(wanted, this.#input.signals.patience);
      if (come && !other.fill()) return undefined;
      // The terminal was closed: whoever debugged is gone.
      if (!come && hungUp & POLLHUP) return undefined;
      if (this.#input.signals.ending() !== undefined) return undefined;
    }
  }

  #tell(text: string): void {
    if (!this.#json) this.#caller.write(this.#caller.stdio[1], `${wrap(text).join('\n')}\n`);
  }
}
