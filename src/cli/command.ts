// What a command is: a declaration that help, completions and man pages are made of, and the function that runs it.
//
// A command's module is only its declaration. What does the work is imported when it runs, so that no command pays
// for another.

import type { Caller } from '../launcher/caller.ts';
import type { Globals } from './globals.ts';
import { type Option, parse, UsageError, type Values } from './options.ts';

export interface Example {
  /** What the example does, an imperative without a full stop. */
  readonly does: string;
  /** The arguments behind `tsoci`. */
  readonly line: string;
}

/** What a command is given to run. */
export interface Invocation<Options extends readonly Option[]> {
  readonly caller: Caller;
  readonly globals: Globals;
  readonly values: Values<Options>;
  /** As many as the declaration demands at least. */
  readonly operands: readonly string[];
  /** How many of them stood before a `--`; undefined where there was none. */
  readonly separated: number | undefined;
}

export interface Command<Options extends readonly Option[] = readonly Option[]> {
  readonly name: string;
  /** A phrase for lists of commands, without a full stop. */
  readonly summary: string;
  /** Whole sentences: what a person must know to use it. */
  readonly description: string;
  /** Names of what follows the options: `CONTAINER`, `[SIGNAL]` where it may be left out, `[ARG...]` for any number. */
  readonly operands: readonly string[];
  /**
   * Whether what follows the first operand is another program's command line, never options of ours. A `--` may stand
   * between.
   */
  readonly passesArguments?: boolean;
  /** The exit status when it fails; by default 1. */
  readonly failure?: number;
  /** What follows "The exit status is", without a full stop, where it is more than 0 on success and 1 on failure. */
  readonly exitStatus?: string;
  readonly options: Options;
  readonly examples: readonly Example[];
  /** Does the work. The exit status; undefined is 0. */
  run(invocation: Invocation<Options>): Promise<number | undefined>;
}

/** Keeps the options' literal types for `run`, and forgets them for the table of commands. */
export function defineCommand<const Options extends readonly Option[]>(command: Command<Options>): Command {
  return command;
}

/** Reads a command's arguments by its declaration. Undefined: the arguments ask for help. */
export function readArguments(
  command: Command,
  args: readonly string[],
): Pick<Invocation<readonly Option[]>, 'values' | 'operands' | 'separated'> | undefined {
  const { passesArguments } = command;
  const limit = passesArguments ? 1 : undefined;
  const { values, operands: words, separated, help } = parse(command.options, args, limit);
  if (help) return undefined;
  const operands = passesArguments && words[1] === '--' ? words.toSpliced(1, 1) : words;
  const missing = command.operands.filter((name) => !name.startsWith('['))[operands.length];
  const usage = `usage: ${usageLine(command)}`;
  if (missing) throw new UsageError(`${command.name}: ${missing} is missing; ${usage}`);
  const unbounded = command.operands.at(-1)?.endsWith('...]');
  const extra = operands[command.operands.length];
  if (extra !== undefined && !unbounded)
    throw new UsageError(`${command.name}: unexpected argument "${extra}"; ${usage}`);
  return { values, operands, separated };
}

export function usageLine(command: Command): string {
  return ['tsoci', command.name, '[OPTIONS]', ...command.operands].join(' ');
}
