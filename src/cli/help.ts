// Help texts, made of the declarations.

import { type Command, usageLine } from './command.ts';
import { GLOBAL_OPTIONS } from './globals.ts';
import { HELP, type Option } from './options.ts';

const WIDTH = 80;
/** Columns of the left side of a list; a longer term has its line to itself. */
const TERM_WIDTH = 28;

/** `tsoci --help`. */
export function globalHelp(commands: readonly Command[]): string {
  const list = commands.map(({ name, summary }) => entry(name, summary));
  return sections([
    'Usage: tsoci [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]',
    'Runs containers from bundles, by the runtime specification of the Open Container\nInitiative (OCI).',
    `Commands:\n${list.join('\n')}`,
    `Global options:\n${optionList(GLOBAL_OPTIONS)}`,
    'Example, run the bundle in /bundles/web:\n  tsoci run --bundle /bundles/web web',
    'Example, the same, showing each system call that makes it:\n  tsoci --trace run --bundle /bundles/web web',
    'tsoci COMMAND --help tells more of each.',
  ]);
}

/** `tsoci COMMAND --help`. */
export function commandHelp(command: Command): string {
  return sections([
    `Usage: ${usageLine(command)}`,
    wrap(described(command), WIDTH),
    `Options:\n${optionList(command.options)}`,
    ...command.examples.map(({ does, line }) => `Example, ${does}:\n  tsoci ${line}`),
  ]);
}

function described({ description, exitStatus }: Command): string {
  return exitStatus === undefined ? description : `${description} The exit status is ${exitStatus}.`;
}

/** `-b, --bundle DIR`. */
function optionTerm({ long, short, placeholder, bare }: Option): string {
  const value = bare === undefined ? ` ${placeholder}` : `[=${placeholder}]`;
  return `${short ? `-${short}, ` : '    '}--${long}${placeholder ? value : ''}`;
}

/** What an option does, with its default unless the text tells it. */
export function optionHelp({ help, default: value }: Option): string {
  return value === undefined ? help : `${help} (default: ${value})`;
}

function optionList(options: readonly Option[]): string {
  return [...options, HELP].map((option) => entry(optionTerm(option), optionHelp(option))).join('\n');
}

function entry(term: string, text: string): string {
  const indent = ' '.repeat(TERM_WIDTH);
  const lines = wrap(text, WIDTH - TERM_WIDTH).replaceAll('\n', `\n${indent}`);
  const left = `  ${term}`;
  return left.length < TERM_WIDTH - 1 ? left.padEnd(TERM_WIDTH) + lines : `${left}\n${indent}${lines}`;
}

function sections(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}

/** Breaks paragraphs into lines of at most `width` columns. */
function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .map((paragraph) => {
      const lines: string[] = [];
      let line = '';
      for (const word of paragraph.split(' ')) {
        if (line && line.length + 1 + word.length > width) {
          lines.push(line);
          line = word;
        } else line = line ? `${line} ${word}` : word;
      }
      return [...lines, line].join('\n');
    })
    .join('\n');
}
