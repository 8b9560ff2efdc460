// The words of the debugger, those of gdb, lldb and node inspect where they have one.

import { nearest } from '../config/nearest.ts';
import { TsociError } from '../linux/errors.ts';
import { printables } from './print.ts';

export interface CommandWord {
  readonly name: string;
  readonly short?: string;
  /** What stands behind it. */
  readonly operand?: string;
  readonly help: string;
}

export const commandWords = [
  { name: 'break', short: 'b', operand: 'WHERE', help: 'stop there, too: help break tells where' },
  { name: 'delete', short: 'd', operand: '[NUMBER…]', help: 'delete these breakpoints, or all' },
  { name: 'info', short: 'i', operand: '[breakpoints]', help: 'show the breakpoints' },
  { name: 'continue', short: 'c', help: 'go on; at a failure: let it fail, and take all back' },
  { name: 'next', short: 'n', operand: '[COUNT]', help: 'go on to what the next property asks for' },
  {
    name: 'step',
    short: 's',
    operand: '[COUNT]',
    help: 'execute one operation: a system call, or a step on the host',
  },
  {
    name: 'where',
    short: 'w',
    help: 'show the operation, its property in config.json, and the section of the specification',
  },
  {
    name: 'list',
    short: 'l',
    operand: '[COUNT]',
    help: 'show what was done before with results, and what comes next',
  },
  { name: 'print', short: 'p', operand: printables.join('|'), help: 'show the process as it is now' },
  { name: 'shell', operand: '', help: 'open a shell in its namespaces, with the programs of the host' },
  { name: 'run', short: '!', operand: 'COMMAND', help: 'run one command there' },
  { name: 'retry', short: 'r', help: 'do once more what has failed' },
  { name: 'edit', short: 'e', help: 'read config.json again, on a terminal after $VISUAL or $EDITOR' },
  { name: 'skip', help: 'leave it out, and take it for done' },
  { name: 'help', short: 'h', operand: '[COMMAND]', help: 'show this' },
  { name: 'quit', short: 'q', help: 'take back all that was made, and end; Ctrl-C and Ctrl-D do, too' },
] as const satisfies readonly CommandWord[];

export type CommandName = (typeof commandWords)[number]['name'];

export interface Spoken {
  name: CommandName;
  rest: string;
}

/** gdb's names for what has another here. */
const OTHERS: Readonly<Record<string, CommandName>> = {
  backtrace: 'where',
  bt: 'where',
  cont: 'continue',
  exit: 'quit',
  breakpoints: 'info',
  clear: 'delete',
  '?': 'help',
};

/** @throws TsociError for what is no command */
export function parseCommand(line: string): Spoken {
  const [, mark, word = '', rest = ''] = /^\s*(?:(!)\s*|(\S+)\s*)(.*?)\s*$/.exec(line) ?? [];
  if (mark) return { name: 'run', rest };
  const name = Object.hasOwn(OTHERS, word) ? OTHERS[word] : undefined;
  const all: readonly CommandWord[] = commandWords;
  const exact = commandWords.find(
    (known) => known.name === word || ('short' in known && known.short === word),
  );
  if (exact) return { name: exact.name, rest };
  if (name) return { name, rest };
  const begun = commandWords.filter((known) => known.name.startsWith(word));
  const [only] = begun;
  if (only && begun.length === 1) return { name: only.name, rest };
  if (begun.length > 1) throw new TsociError(`${word} is ${begun.map((known) => known.name).join(' or ')}`);
  const guess = nearest(
    word,
    all.map((known) => known.name),
  );
  throw new TsociError(`${word} is no command; ${guess ? `did you mean ${guess}?` : 'help lists them'}`);
}

/** A count behind a command; 1, or what is given for it, where there is none. */
export function countIn(rest: string, otherwise: number): number {
  if (rest === '') return otherwise;
  if (!/^[1-9]\d{0,5}$/.test(rest)) throw new TsociError(`"${rest}" is no count`);
  return Number(rest);
}
