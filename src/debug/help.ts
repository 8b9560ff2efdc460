// What `help` shows.

import { phases } from '../linux/steps.ts';
import { type CommandName, type CommandWord, commandWords } from './commands.ts';
import { columns, wrap } from './text.ts';

const all: readonly CommandWord[] = commandWords;

export function helpLines(): string[] {
  return columns(all.map((word) => [`${word.short ?? ''}`.padStart(2), usageOf(word), word.help])).flatMap(
    (line) => wrap(line, 80, ' '.repeat(30)),
  );
}

function usageOf({ name, operand }: CommandWord): string {
  return operand ? `${name} ${shortened(operand)}` : name;
}

function shortened(operand: string): string {
  return operand.length > 18 ? 'WHAT' : operand;
}

export function commandHelp(name: CommandName): string[] {
  const word = all.find((known) => known.name === name);
  if (!word) return [];
  const short = word.short ? `, ${word.short}` : '';
  return wrap(`${word.name}${short}${word.operand ? ` ${word.operand}` : ''}: ${word.help}`);
}

export function breakHelp(): string[] {
  return [
    'break WHERE: it stops before what is meant by',
    ...columns([
      ['  a property', 'mounts, mounts[2], mounts[2].options, process.rlimits,'],
      ['', 'linux.sysctl["net.core.somaxconn"]: once, where it begins'],
      ['  a system call', 'pivot_root, mount_setattr, execve: each time'],
      ['  a step', phases.slice(0, 5).join(', ')],
      ['', phases.slice(5).join(', ')],
      ['', '(runtime.md#lifecycle; start: init is left to wait for it)'],
      ['  error', 'a failure, before anything is taken back'],
    ]),
  ];
}
