// Completion for zsh (zshcompsys(1)).

import type { Command } from '../../src/cli/command.ts';
import type { Option } from '../../src/cli/options.ts';
import { type Action, operandAction, optionsOf, valueAction, wordsOf } from './actions.ts';

export function zshCompletion(commands: readonly Command[]): string {
  const descriptions = commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`);
  return `#compdef tsoci
# zsh completion for tsoci. Generated from the tables of its options.

_tsoci_containers() {
    local -a containers
    containers=(\${(f)"$(tsoci $root list --quiet 2>/dev/null)"})
    _describe container containers
}

_tsoci_commands() {
    local -a commands=(
${descriptions.join('\n')}
    )
    _describe command commands
}

_tsoci() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    local -a root
    _arguments -C ${continued([...optionSpecs(undefined), "'1: :_tsoci_commands'", "'*:: :->arguments'"])}
    [[ $state == arguments ]] || return
    curcontext=\${curcontext%:*}-$words[1]:
    # The options of the command take the place of these.
    [[ -n $opt_args[--root] ]] && root=(--root $opt_args[--root])
    case $words[1] in
${commands.map(commandArm).join('\n')}
    help) _arguments '1: :_tsoci_commands' ;;
    esac
}

_tsoci "$@"
`;
}

function commandArm(command: Command): string {
  const operands = command.operands.map((operand, i) => {
    const label = operand.replace(/[[\].]/g, '');
    const position = operand.endsWith('...]') ? '*' : `${i + 1}${operand.startsWith('[') ? ':' : ''}`;
    return quoted(`${position}:${label}:${completes(operandAction(operand))}`);
  });
  const specs = [...optionSpecs(command), ...operands];
  return `    ${command.name})\n        _arguments ${continued(specs)}\n        ;;`;
}

function continued(specs: readonly string[]): string {
  return specs.map((spec) => `\\\n            ${spec}`).join(' ');
}

/** `{-b,--bundle}'[the bundle]:DIR:_files -/'`. */
function optionSpecs(command: Command | undefined): string[] {
  return optionsOf(command).map((option) => {
    const action = valueAction(option);
    const words = wordsOf(option).map((word) =>
      action ? `${word}${word.startsWith('--') ? '=' : '+'}` : word,
    );
    const value = action ? `:${option.placeholder ?? 'VALUE'}:${completes(action)}` : '';
    const spec = `[${escaped(option)}]${value}`;
    if (option.kind === 'list') return words.map((word) => quoted(`*${word}${spec}`)).join(' ');
    const exclusive = `(${wordsOf(option).join(' ')})`;
    const [only = ''] = words;
    return words.length > 1
      ? `${quoted(exclusive)}{${words.join(',')}}${quoted(spec)}`
      : quoted(`${only}${spec}`);
  });
}

function escaped({ help }: Option): string {
  return help.replace(/[[\]:\\]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function completes(action: Action): string {
  switch (action.kind) {
    case 'directory':
      return '_files -/';
    case 'file':
      return '_files';
    case 'container':
      return '_tsoci_containers';
    case 'choice':
      return `(${action.choices.join(' ')})`;
    case 'nothing':
      return '';
  }
}
