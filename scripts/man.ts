// Man pages (man(7)), made of the declarations of the commands.

import { type Command, usageLine } from '../src/cli/command.ts';
import { GLOBAL_OPTIONS } from '../src/cli/globals.ts';
import { optionHelp } from '../src/cli/help.ts';
import { HELP, type Option } from '../src/cli/options.ts';

const SECTION = 8;

/** Each page's file name and text. */
export function manPages(commands: readonly Command[], version: string): ReadonlyMap<string, string> {
  const pages = new Map([[`tsoci.${SECTION}`, mainPage(commands, version)]]);
  for (const command of commands)
    pages.set(`tsoci-${command.name}.${SECTION}`, commandPage(command, version));
  return pages;
}

function mainPage(commands: readonly Command[], version: string): string {
  const list = commands.map(({ name, summary }) => term(`\\fBtsoci\\-${name}\\fR(${SECTION})`, summary));
  return page('tsoci', version, [
    ['NAME', 'tsoci \\- run containers from OCI bundles'],
    ['SYNOPSIS', `.B tsoci\n[\\fIGLOBAL OPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]`],
    [
      'DESCRIPTION',
      'Creates and runs containers by the runtime specification of the Open Container Initiative. A bundle is a directory with a config.json and a root filesystem.',
    ],
    ['COMMANDS', list.join('\n')],
    ['GLOBAL OPTIONS', optionList(GLOBAL_OPTIONS)],
    [
      'EXIT STATUS',
      `0 on success and 1 on failure, with a line on standard error that says what failed. \\fBtsoci\\-run\\fR(${SECTION}) and \\fBtsoci\\-exec\\fR(${SECTION}) pass on the exit status of the process, or 128 and the number of the signal that killed it.`,
    ],
    ['FILES', term('\\fI/run/tsoci\\fR', 'The state of containers, a directory each.')],
    ['SEE ALSO', '.BR runc (8),\n.BR namespaces (7),\n.BR cgroups (7)'],
  ]);
}

function commandPage(command: Command, version: string): string {
  const name = `tsoci-${command.name}`;
  const examples = command.examples.map(
    ({ does, line }) => `.PP\nTo ${roff(does)}:\n.PP\n.in +4n\n.EX\n# tsoci ${roff(line)}\n.EE\n.in`,
  );
  return page(name, version, [
    ['NAME', `${roff(name)} \\- ${roff(command.summary)}`],
    ['SYNOPSIS', roff(usageLine(command))],
    ['DESCRIPTION', roff(command.description)],
    ['OPTIONS', optionList(command.options)],
    ['EXIT STATUS', roff(`The exit status is ${command.exitStatus ?? '0 on success and 1 on failure'}.`)],
    ['EXAMPLES', examples.join('\n')],
    ['SEE ALSO', `.BR tsoci (${SECTION})`],
  ]);
}

function page(name: string, version: string, sections: readonly (readonly [string, string])[]): string {
  const body = sections.map(([title, text]) => `.SH ${title}\n${text}\n`).join('');
  return `.\\" Generated from the tables of tsoci's options.\n.TH ${name.toUpperCase()} ${SECTION} "" "tsoci ${version}"\n${body}`;
}

function optionList(options: readonly Option[]): string {
  return [...options, HELP]
    .map((option) => {
      const names = [option.short && `-${option.short}`, `--${option.long}`].filter(
        (name) => name !== undefined,
      );
      const placeholder = option.placeholder && `\\fI${roff(option.placeholder)}\\fR`;
      const value = !placeholder ? '' : option.bare === undefined ? ` ${placeholder}` : `[=${placeholder}]`;
      return term(names.map((name) => `\\fB${roff(name)}\\fR${value}`).join(', '), optionHelp(option));
    })
    .join('\n');
}

function term(head: string, text: string): string {
  return `.TP\n${head}\n${roff(text)}`;
}

/** Text as roff takes it: a hyphen would become a typographic one, a dot at the start of a line a request. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/gm, '\\&$&');
}
