// npm run conformance:table -- [RESULTS…]
// Writes build/conformance/table.md, every check with how each runtime does, from results of `run.ts --json`: those of tsoci and of runc unless others are named.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { checks } from './checks/index.ts';
import type { Check } from './harness/check.ts';
import type { Results } from './harness/results.ts';
import { unchecked } from './inventory/unchecked.ts';

const SPECIFICATION = 'https://github.com/opencontainers/runtime-spec/blob/v1.3.0';
const DEFAULTS = ['tsoci', 'runc'].map(
  (name) => new URL(`../build/conformance/${name}.json`, import.meta.url).pathname,
);

const files = process.argv.length > 2 ? process.argv.slice(2) : DEFAULTS;
const missing = files.filter((file) => !existsSync(file));
if (missing.length > 0) {
  for (const file of missing) {
    const name = basename(file, '.json');
    console.error(`no ${file}: npm run conformance -- --runtime ${name} --json ${file}`);
  }
  process.exit(1);
}
const runtimes = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results);
/** Reasons for failures and skips, each a footnote. */
const notes: string[] = [];

const output = new URL('../build/conformance/table.md', import.meta.url);
writeFileSync(
  output,
  `${[...introduction(), ...checkTables(), ...uncheckedTable(), ...footnotes()].join('\n')}\n`,
);

function introduction(): string[] {
  const { length } = checks;
  return [
    '# Conformance to the OCI runtime specification',
    '',
    '<!-- Written by conformance/table.ts. Do not edit. -->',
    '',
    `The requirements of version 1.3.0 of the specification that concern a runtime on Linux, as ${length} checks, and`,
    'how each runtime does on one host. A footnote gives the reason for a failure that is known, or for a check that',
    'the host cannot make. Requirements that no check covers are at the end.',
    '',
    row(['', ...runtimes.map(({ name, version }) => `${name} ${version}`)]),
    row(['---', ...runtimes.map(() => '---:')]),
    ...(['pass', 'fail', 'skip'] as const).map((status) => {
      const counts = runtimes.map(
        ({ results }) => results.filter((result) => result.status === status).length,
      );
      return row([{ pass: 'passed', fail: 'failed', skip: 'not checked' }[status], ...counts.map(String)]);
    }),
    '',
    'To check a runtime: `npm run conformance -- --runtime PATH`. How the checks work, and how they are proved to be',
    'able to fail: conformance/README.md.',
    '',
  ];
}

function checkTables(): string[] {
  const documents = ['bundle.md', 'runtime.md', 'runtime-linux.md', 'config.md', 'config-linux.md'];
  return documents.flatMap((document) => {
    const chosen = checks.filter(({ section }) => section.startsWith(`${document}#`));
    const sections = [...new Set(chosen.map(({ section }) => section))];
    return [
      `## ${document}`,
      '',
      row(['Requirement', 'Level', 'Section', 'Check', ...runtimes.map(({ name }) => name)]),
      row(['---', '---', '---', '---', ...runtimes.map(() => '---')]),
      ...sections.flatMap((section) => chosen.filter((check) => check.section === section).map(checkRow)),
      '',
    ];
  });
}

function checkRow({ id, section, level, requirement }: Check): string {
  const verdicts = runtimes.map(({ results }) => {
    const result = results.find((each) => each.id === id);
    if (!result) return '';
    const { status, reason = '', known } = result;
    if (status === 'pass') return 'pass';
    if (status === 'skip') return `skip${note(reason)}`;
    return `**fail**${known === undefined ? '' : note(known)}`;
  });
  return row([escaped(requirement), level, link(section), `\`${id}\``, ...verdicts]);
}

function uncheckedTable(): string[] {
  return [
    '## Not checked',
    '',
    row(['Requirement', 'Section', 'Statements', 'Reason']),
    row(['---', '---', '---:', '---']),
    ...unchecked.map(({ requirement, section, musts, reason }) =>
      row([escaped(requirement), link(section), String(musts.length), escaped(reason)]),
    ),
    '',
  ];
}

function footnotes(): string[] {
  return notes.map((text, index) => `[^${index + 1}]: ${escaped(text)}`);
}

/** The mark of a footnote; the same text is one footnote. */
function note(text: string): string {
  if (!notes.includes(text)) notes.push(text);
  return `[^${notes.indexOf(text) + 1}]`;
}

function link(section: string): string {
  return `[${section.slice(section.indexOf('#') + 1)}](${SPECIFICATION}/${section})`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function escaped(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[|<>*_\\]/g, '\\$&');
}
