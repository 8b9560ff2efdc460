// Completion for bash (Programmable Completion in bash(1)); needs nothing but bash.

import type { Command } from '../../src/cli/command.ts';
import { type Action, operandAction, optionsOf, valueAction, wordsOf } from './actions.ts';

export function bashCompletion(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name);
  const all = [undefined, ...commands];
  return `# bash completion for tsoci. Generated from the tables of its options.

# The options of command $1; without one the global options.
_tsoci_options() {
    case $1 in
${all.map((command) => arm(nameOf(command), `echo "${optionsOf(command).flatMap(wordsOf).join(' ')}"`)).join('\n')}
    esac
}

# Completes $cur as the value of option $2 of command $1. Fails if that option takes no value.
_tsoci_value() {
    case "$1 $2" in
${all.flatMap(valueArms).join('\n')}
    *) return 1 ;;
    esac
}

# Completes $cur as operand number $2 of command $1.
_tsoci_operand() {
    case "$1 $2" in
${commands.flatMap(operandArms).join('\n')}
    esac
}

_tsoci_words() {
    COMPREPLY=($(compgen -W "$*" -- "$cur"))
}

_tsoci_files() {
    compopt -o filenames
    local IFS=$'\\n'
    COMPREPLY=($(compgen "$1" -- "$cur"))
}

_tsoci() {
    local cur=\${COMP_WORDS[COMP_CWORD]} command= operands=0 option= word i
    local root=()
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        if [[ -n $option ]]; then
            # bash splits --option=value into three words.
            [[ $word == = ]] && continue
            [[ $option == --root ]] && root=(--root "$word")
            option=
        elif [[ $word == -* ]]; then
            cur= _tsoci_value "$command" "$word" && option=$word
        elif [[ $word == = ]]; then
            i=$((i + 1))
        elif [[ -z $command ]]; then
            command=$word
        else
            operands=$((operands + 1))
        fi
    done
    COMPREPLY=()
    [[ $cur == = ]] && cur=
    if [[ -n $option ]]; then
        _tsoci_value "$command" "$option"
    elif [[ $cur == -* ]]; then
        _tsoci_words "$(_tsoci_options "$command")"
    elif [[ -z $command ]]; then
        _tsoci_words ${names.join(' ')} help
    elif [[ $command == help ]]; then
        _tsoci_words ${names.join(' ')}
    else
        _tsoci_operand "$command" "$((operands + 1))"
    fi
}

complete -F _tsoci tsoci
`;
}

function nameOf(command: Command | undefined): string {
  return command ? command.name : "''";
}

function arm(pattern: string, body: string): string {
  return `    ${pattern}) ${body} ;;`;
}

/** An arm of _tsoci_value for each way to complete a value. */
function valueArms(command: Command | undefined): string[] {
  const name = command?.name ?? '';
  return optionsOf(command).flatMap((option) => {
    const action = valueAction(option);
    if (!action) return [];
    const patterns = wordsOf(option).map((word) => `'${name} ${word}'`);
    return [arm(patterns.join(' | '), completes(action))];
  });
}

function operandArms(command: Command): string[] {
  return command.operands.flatMap((operand, i) => {
    const action = operandAction(operand);
    return action.kind === 'nothing' ? [] : [arm(`'${command.name} ${i + 1}'`, completes(action))];
  });
}

function completes(action: Action): string {
  switch (action.kind) {
    case 'directory':
      return '_tsoci_files -d';
    case 'file':
      return '_tsoci_files -f';
    case 'container':
      return `_tsoci_words "$(tsoci "\${root[@]}" list --quiet 2>/dev/null)"`;
    case 'choice':
      return `_tsoci_words ${action.choices.join(' ')}`;
    case 'nothing':
      return ':';
  }
}
