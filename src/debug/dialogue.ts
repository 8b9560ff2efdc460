// The dialogue with a person, or with a script: what a command says, and what is shown of it.

import type { Caller } from '../launcher/caller.ts';
import { messageOf, TsociError } from '../linux/errors.ts';
import { SYS } from '../linux/syscalls.ts';
import { type CommandName, commandWords, countIn, parseCommand, type Spoken } from './commands.ts';
import type { HeldSignals } from './held-signals.ts';
import { breakHelp, commandHelp, helpLines } from './help.ts';
import type { CommandInput } from './input.ts';
import type { PlanAhead } from './plan-ahead.ts';
import { type Printable, print, printables } from './print.ts';
import type { Answer, Event, MessageSocket, Request } from './protocol.ts';
import { type ConfigText, listLines, plannedLines, type Stopped, stopLines, whereLines } from './render.ts';
import { containerPlace, runInside, runOnHost, shellOf } from './shell.ts';
import { type Paint, wrap } from './text.ts';
import { propertiesIn, stepNames } from './where.ts';

export type Other = MessageSocket<Event | Answer, Request>;

const PROMPT = '(tsoci) ';
/** Operations that `list` shows before and behind. */
const LISTED = 8;
/** What a script may begin with before anything is done; for all else it goes on to the first stop. */
const PREPARATIONS: ReadonlySet<CommandName> = new Set([
  ...(['break', 'delete', 'info', 'list', 'help', 'continue', 'step', 'next', 'quit', 'edit'] as const),
]);

export interface Shown {
  /** Writes whole lines for a person. */
  lines(lines: readonly string[]): void;
  /** Each event and answer as JSON in place of those: for an editor. */
  json: ((value: unknown) => void) | undefined;
  paint: Paint;
}

/** What became of a stop. */
export type Outcome = 'goes on' | 'gone';

export class Dialogue {
  readonly #caller: Caller;
  readonly #input: CommandInput;
  readonly #signals: HeldSignals;
  readonly #shown: Shown;
  readonly #ahead: PlanAhead;
  #config: ConfigText | undefined;
  /** What an empty line on a terminal does again. */
  #last = '';
  /** A command that was read before its time. */
  #early: string | undefined;

  constructor(
    caller: Caller,
    { input, signals, ahead }: { input: CommandInput; signals: HeldSignals; ahead: PlanAhead },
    shown: Shown,
  ) {
    this.#ahead = ahead;
    this.#caller = caller;
    this.#input = input;
    this.#signals = signals;
    this.#shown = shown;
  }

  /** Shows a stop, and does what is asked until it goes on. */
  async stop(other: Other, stopped: Stopped): Promise<Outcome> {
    const { json, paint } = this.#shown;
    if (stopped.reason === 'start') await this.#ahead.prepare();
    if (json) json(stopped);
    else this.#shown.lines(stopLines(stopped, paint));
    for (;;) {
      const line = await this.#read(other, stopped);
      if (line === undefined) return 'gone';
      if (await this.#perform(line, other, stopped)) return 'goes on';
    }
  }

  set config(config: ConfigText | undefined) {
    this.#config = config;
    this.#ahead.forget();
  }

  /** A breakpoint of the command line. */
  breakAt(other: Other, where: string): void {
    this.#ask(other, { request: 'break', where });
  }

  /** Goes on, without a word. */
  go(other: Other): void {
    this.#ask(other, { request: 'continue' });
  }

  async #read(other: Other, { reason }: Stopped): Promise<string | undefined> {
    if (this.#early !== undefined) {
      const line = this.#early;
      this.#early = undefined;
      return line;
    }
    const input = await this.#input.next(this.#shown.paint(PROMPT, 'bold'), other.fd);
    // Nothing comes unasked while it is stopped, but for its end.
    if (input === 'watched') return undefined;
    const script = !this.#input.terminal;
    if (input === 'end') return script && reason === 'start' ? 'continue' : 'quit';
    if (script && !this.#shown.json && input.line.trim())
      this.#shown.lines([`${PROMPT}${input.line.trim()}`]);
    if (script && reason === 'start' && !prepares(input.line)) {
      this.#early = input.line;
      return 'continue';
    }
    return input.line;
  }

  /** Whether it goes on. */
  async #perform(line: string, other: Other, stopped: Stopped): Promise<boolean> {
    const said = line.trim() || (this.#input.terminal ? this.#last : '');
    if (said === '' || said.startsWith('#')) return false;
    this.#last = said;
    try {
      return await this.#do(parseCommand(said), other, stopped);
    } catch (error) {
      if (!(error instanceof TsociError)) throw error;
      this.#refused(messageOf(error));
      return false;
    }
  }

  async #do({ name, rest }: Spoken, other: Other, stopped: Stopped): Promise<boolean> {
    switch (name) {
      case 'break':
        return this.#ask(other, { request: 'break', where: rest });
      case 'delete':
        return this.#ask(other, { request: 'delete', ids: numbersIn(rest) });
      case 'info':
        return this.#ask(other, { request: 'breakpoints' });
      case 'list':
        return this.#list(countIn(rest, LISTED), other, stopped);
      case 'where':
        return this.#tell(
          { answer: 'where', ...stopped },
          whereLines(stopped, this.#config, this.#shown.paint),
        );
      case 'print':
        return this.#print(rest, stopped);
      case 'shell':
        return this.#run([shellOf(this.#caller)], stopped);
      case 'run':
        if (rest === '') throw new TsociError('run: what? run COMMAND');
        return this.#run(['/bin/sh', '-c', rest], stopped);
      case 'help':
        return this.#help(rest);
      case 'edit':
        this.#openEditor();
        return this.#ask(other, { request: 'edit' });
      case 'step':
      case 'next':
        return this.#ask(other, { request: name, count: countIn(rest, 1) });
      case 'continue':
      case 'retry':
      case 'skip':
      case 'quit':
        return this.#ask(other, { request: name });
    }
  }

  /** The answer to a request, which is shown. Whether it goes on. */
  #ask(other: Other, request: Request): boolean {
    other.send(request);
    for (;;) {
      const message = other.receive();
      if (!message) return true;
      if ('event' in message) {
        if (message.event === 'config') this.config = message;
        continue;
      }
      if (message.answer === 'going') return true;
      if (message.answer === 'refused') this.#refused(message.message);
      else this.#tell(message, this.#answerLines(message));
      return false;
    }
  }

  async #list(count: number, other: Other, { error }: Stopped): Promise<boolean> {
    other.send({ request: 'list', count });
    const answer = other.receive();
    if (!answer || 'event' in answer || answer.answer !== 'list') return answer === undefined;
    const { before, at, after } = answer;
    const anchor = [...before, ...(at ? [at] : []), ...after].findLast(
      ({ property, pid }) => property !== undefined && pid !== undefined,
    );
    const planned = error === undefined ? await this.#ahead.behind(anchor, count - after.length) : [];
    const lines = [...listLines(answer, this.#shown.paint), ...plannedLines(planned, this.#shown.paint)];
    const then = planned.map(({ who, call, property }) => ({
      role: who.replace(/:$/, ''),
      text: call,
      property,
    }));
    return this.#tell(Object.assign(answer, { planned: then }), lines);
  }

  warn(message: string): void {
    const { json, lines, paint } = this.#shown;
    if (json) json({ event: 'warning', message });
    else lines(wrap(message).map((line) => paint(line, 'yellow')));
  }

  #answerLines(answer: Answer): string[] {
    switch (answer.answer) {
      case 'break':
        return wrap(`breakpoint ${answer.id}: ${answer.where}${answer.note ? ` (${answer.note})` : ''}`);
      case 'delete':
        return [answer.ids.length > 0 ? `deleted ${answer.ids.join(', ')}` : 'there is no breakpoint'];
      case 'breakpoints':
        return answer.breakpoints.length === 0
          ? ['no breakpoints']
          : answer.breakpoints.map(
              ({ id, where, hits }) =>
                `${String(id).padStart(3)}  ${where}${hits > 0 ? `, hit ${hits} ×` : ''}`,
            );
      case 'edit':
        return wrap(`read again: ${answer.changed.join(', ')}`);
      case 'list':
      case 'going':
      case 'refused':
        return [];
    }
  }

  #tell(answer: { answer: string }, lines: readonly string[]): false {
    if (this.#shown.json) this.#shown.json(answer);
    else this.#shown.lines(lines);
    return false;
  }

  #refused(message: string): void {
    if (this.#shown.json) this.#shown.json({ answer: 'refused', message });
    else this.#shown.lines(wrap(message).map((line) => this.#shown.paint(line, 'yellow')));
  }

  #print(rest: string, { process, rootfs, env }: Stopped): false {
    const what = printables.filter((name) => name === rest || (rest !== '' && name.startsWith(rest)));
    const [only] = what;
    if (!only || what.length > 1) throw new TsociError(`print: what? ${printables.join(', ')}`);
    const looked = { rootfs, config: this.#config?.text, env };
    if (process === undefined && only !== 'env' && only !== 'seccomp')
      throw new TsociError('there is no process yet: step, or continue');
    const lines = print(only satisfies Printable, { pid: process ?? 0, ...looked });
    return this.#tell(Object.assign({ answer: 'print', what: only, lines }), lines);
  }

  #run(args: readonly string[], { init, rootfs }: Stopped): false {
    const place = init === undefined ? undefined : containerPlace(rootfs);
    const where =
      place === undefined
        ? 'There is no init yet: this is the host.'
        : `The root of the container is at ${place}, the working directory; all else are the files of the host. The namespaces are those of init. No mount stays.`;
    if (args.length === 1 && !this.#shown.json) this.#shown.lines(wrap(where, 80, ''));
    this.#signals.hold();
    const { code, signal } =
      init === undefined
        ? runOnHost(this.#caller, args)
        : runInside(this.#caller, { pid: init, rootfs }, args);
    if (signal) this.#refused(`it was killed by signal ${signal}`);
    else if (code) this.#refused(`exit status ${code}`);
    return false;
  }

  #help(rest: string): false {
    if (rest === '') return this.#tell({ answer: 'help' }, helpLines());
    const { name } = parseCommand(rest);
    return this.#tell({ answer: 'help' }, name === 'break' ? breakHelp() : commandHelp(name));
  }

  /** A person's own editor, with the config. */
  #openEditor(): void {
    const { env } = this.#caller;
    const editor = env.VISUAL || env.EDITOR;
    if (!this.#input.terminal || !editor || !this.#config) return;
    this.#signals.hold();
    runOnHost(this.#caller, ['/bin/sh', '-c', `${editor} "$1"`, 'sh', this.#config.file]);
  }
}

/** What the tabulator completes: the possible words, and what they stand for. */
export function complete(line: string, config: string | undefined): [string[], string] {
  const [, command, part] = /^\s*(\S+)\s+(.*)$/.exec(line) ?? [];
  if (command === undefined || part === undefined) {
    const word = line.trimStart();
    return [
      commandWords
        .map(({ name }) => name)
        .filter((name) => name.startsWith(word))
        .map((name) => `${name} `),
      word,
    ];
  }
  const words = operandsOf(command, config);
  return [words.filter((word) => word.startsWith(part)), part];
}

function operandsOf(command: string, config: string | undefined): readonly string[] {
  let name: CommandName;
  try {
    ({ name } = parseCommand(command));
  } catch {
    return [];
  }
  if (name === 'print') return printables;
  if (name === 'info') return ['breakpoints'];
  if (name === 'help') return commandWords.map((word) => word.name);
  if (name !== 'break') return [];
  return [...propertiesIn(config), ...stepNames, ...Object.keys(SYS)];
}

function prepares(line: string): boolean {
  if (line.trim() === '' || line.trim().startsWith('#')) return true;
  try {
    return PREPARATIONS.has(parseCommand(line).name);
  } catch {
    return true;
  }
}

function numbersIn(rest: string): number[] {
  const words = rest.split(/[\s,]+/).filter(Boolean);
  return words.map((word) => countIn(word, 0));
}
