// Completion for fish (complete(1)).

import type { Command } from '../../src/cli/command.ts';
import type { Option } from '../../src/cli/options.ts';
import { type Action, operandAction, optionsOf, valueAction, wordsOf } from './actions.ts';

export function fishCompletion(commands: readonly Command[]): string {
  const all = [undefined, ...commands];
  const valued = all.flatMap((command) =>
    optionsOf(command)
      .filter(valueAction)
      .flatMap(wordsOf)
      .map((word) => `'${command?.name ?? ''} ${word}'`),
  );
  const names = commands.map(({ name, summary }) => line('__tsoci_at', `-a ${name} -d ${quoted(summary)}`));
  return `# fish completion for tsoci. Generated from the tables of its options.

# Succeeds where the command itself, arguments of command $argv[1], or its operand number $argv[2] are completed.
function __tsoci_at
    set -l valued ${valued.join(' ')}
    set -l words (commandline -opc)
    set -l command ''
    set -l operands 0
    set -l i 2
    while set -q words[$i]
        if contains -- "$command $words[$i]" $valued
            set i (math $i + 1)
        else if string match -q -- '-*' $words[$i]
        else if test -z "$command"
            set command $words[$i]
        else
            set operands (math $operands + 1)
        end
        set i (math $i + 1)
    end
    test "$command" = "$argv[1]"
    and begin
        test (count $argv) -lt 2
        or test (math $operands + 1) -eq "$argv[2]"
    end
end

# The ids of containers, under the --root that was given.
function __tsoci_containers
    set -l words (commandline -opc)
    set -l root
    for i in (seq 2 (count $words))
        switch $words[$i]
            case --root
                set root --root $words[(math $i + 1)]
            case '--root=*'
                set root $words[$i]
        end
    end
    tsoci $root list --quiet 2>/dev/null
end

complete -c tsoci -f
${[...optionLines(undefined), ...names, ...commands.flatMap(commandLines)].join('\n')}
`;
}

function commandLines(command: Command): string[] {
  const operands = command.operands.flatMap((operand, i) => {
    const completed = completes(operandAction(operand));
    return completed ? [line(`__tsoci_at ${command.name} ${i + 1}`, completed)] : [];
  });
  return [...optionLines(command), ...operands];
}

function optionLines(command: Command | undefined): string[] {
  return optionsOf(command).map((option) =>
    line(`__tsoci_at ${command?.name ?? ''}`.trimEnd(), optionArguments(option)),
  );
}

function optionArguments(option: Option): string {
  const { long, short, help } = option;
  const action = valueAction(option);
  const value = action ? ` ${action.kind === 'file' ? '-r' : '-x'} ${completes(action)}`.trimEnd() : '';
  return `-l ${long}${short ? ` -s ${short}` : ''}${value} -d ${quoted(help)}`;
}

function line(condition: string, rest: string): string {
  return `complete -c tsoci -n '${condition}' ${rest}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

function completes(action: Action): string {
  switch (action.kind) {
    case 'directory':
      return "-a '(__fish_complete_directories (commandline -ct))'";
    case 'file':
      return '-F';
    case 'container':
      return "-a '(__tsoci_containers)'";
    case 'choice':
      return `-a ${quoted(action.choices.join(' '))}`;
    case 'nothing':
      return '';
  }
}
