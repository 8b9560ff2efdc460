// node conformance/inventory/verify.ts [DIRECTORY]
// Proves that no MUST statement of the specification was dropped: each is covered by a check, or is unchecked with a
// reason. statements.json has the number of statements in each section; it is written anew with the DIRECTORY of the
// specification's Markdown.

import { readFileSync, writeFileSync } from 'node:fs';
import { checks } from '../checks/index.ts';
import { readSpecification } from './specification.ts';
import { unchecked } from './unchecked.ts';

const file = new URL('./statements.json', import.meta.url);
const [, , directory] = process.argv;
if (directory !== undefined) {
  const { sections, statements } = readSpecification(directory);
  const count = (name: string) => statements.filter(({ section }) => section === name).length;
  const counts = Object.fromEntries(sections.map((section) => [section, count(section)]));
  writeFileSync(file, `${JSON.stringify(counts, null, 2)}\n`);
}

const counts: Record<string, number> = JSON.parse(readFileSync(file, 'utf8'));
const named = (section: string, musts: readonly number[] = []) => musts.map((must) => `${section}/${must}`);
const statements = Object.entries(counts).flatMap(([section, count]) =>
  named(
    section,
    Array.from({ length: count }, (_, index) => index + 1),
  ),
);
const covered = new Set<string>(
  checks.flatMap(({ section, musts, also = [] }) => [...named(section, musts), ...also]),
);
const excused = new Set(unchecked.flatMap(({ section, musts }) => named(section, musts)));
const ids = checks.map(({ id }) => id);

const problems = [
  ...statements
    .filter((statement) => !covered.has(statement) && !excused.has(statement))
    .map((statement) => `${statement} has neither a check nor a reason`),
  ...[...covered, ...excused]
    .filter((statement) => !statements.includes(statement))
    .map((statement) => `${statement} is not in the specification`),
  ...[...excused].filter((statement) => covered.has(statement)).map((statement) => `${statement} is checked`),
  ...checks
    .filter(({ section }) => !(section in counts))
    .map(({ id, section }) => `${id}: no section ${section}`),
  ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is the ID of two checks`),
];
for (const problem of problems) console.error(problem);
console.log(
  `${statements.length} MUST statements: ${covered.size} checked, ${excused.size} with a reason why not; ` +
    `${checks.length} checks`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
