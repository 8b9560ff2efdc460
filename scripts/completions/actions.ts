// How the values of options and the operands of commands are completed, in any shell.

import { constants } from 'node:os';
import type { Command } from '../../src/cli/command.ts';
import { GLOBAL_OPTIONS } from '../../src/cli/globals.ts';
import { HELP, type Option } from '../../src/cli/options.ts';

export type Action =
  | { kind: 'directory' | 'file' | 'container' | 'nothing' }
  | { kind: 'choice'; choices: readonly string[] };

/** All options of a command, or with undefined the global ones. */
export function optionsOf(command: Command | undefined): readonly Option[] {
  return [...(command?.options ?? GLOBAL_OPTIONS), HELP];
}

/** `--bundle` and `-b`. */
export function wordsOf({ long, short }: Option): string[] {
  return [`--${long}`, ...(short ? [`-${short}`] : [])];
}

/** What completes an option's value; undefined for one whose next word is no value. */
export function valueAction({ kind, choices, placeholder, bare }: Option): Action | undefined {
  if (kind === 'flag' || bare !== undefined) return undefined;
  if (choices) return { kind: 'choice', choices };
  if (placeholder === 'DIR') return { kind: 'directory' };
  return { kind: placeholder === 'FILE' || placeholder === 'SOCKET' ? 'file' : 'nothing' };
}

/** What completes an operand, by the name that the command's declaration gives it. */
export function operandAction(operand: string): Action {
  const name = operand.replace(/[[\].]/g, '');
  if (name === 'CONTAINER') return { kind: 'container' };
  if (/^[a-z|]+$/.test(name)) return { kind: 'choice', choices: name.split('|') };
  if (name === 'SIGNAL') return { kind: 'choice', choices: signalNames() };
  return { kind: name === 'BUNDLE|FILE' ? 'file' : 'nothing' };
}

function signalNames(): string[] {
  return Object.keys(constants.signals).map((name) => name.slice('SIG'.length));
}
