// The page for people: ratios of the last tenth to the first, and the plots.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from '../machine.ts';
import { heldThings, type Sample } from './observe.ts';
import type { Phase, Soak } from './phases.ts';
import { plot } from './plot.ts';

const introduction = `# What lasts: many containers, and what remains of them

Written by \`npm run soak -- --write\`. *cold* starts a runtime for each command, *resident* is served by \`tsoci serve\`.
Waits are the median of the last tenth beside that of the first tenth, of what a caller of the command waits: 1 is as fast
as at the beginning. What is held is counted at the first of fifty samples and at the last. Keys, cgroups, threads and the
kernel's memory are those of the whole machine: others who work on it show, too.`;

export function writePage(directory: string, soaks: readonly Soak[], left: number, work: string): void {
  const sections = soaks.map((soak) => {
    plot(soak, join(directory, `soak-${soak.mode}.svg`), work);
    return [
      `## ${soak.mode}`,
      `![waits and what is held, ${soak.mode}](soak-${soak.mode}.svg)`,
      ...soak.phases.flatMap((phase) => [`### ${phase.title}`, waitTable(phase), heldTable(phase)]),
    ].join('\n\n');
  });
  const date = new Date().toISOString().slice(0, 10);
  const facts = [date, ...describeMachine(), `left behind in the end: ${left} things`].map(
    (fact) => `- ${fact}`,
  );
  const page = [introduction, facts.join('\n'), ...sections].join('\n\n');
  writeFileSync(join(directory, 'soak.md'), `${page}\n`);
}

function waitTable({ samples }: Phase): string {
  const commands = [...(samples[0]?.waits.keys() ?? [])];
  const tenth = Math.ceil(samples.length / 10);
  const ratio = (command: string, which: 'median' | 'longest') =>
    (mean(samples.slice(-tenth), command, which) / mean(samples.slice(0, tenth), command, which)).toFixed(2);
  return [
    '| command | median wait, last / first | longest of a hundred, last / first |',
    '| --- | --: | --: |',
    ...commands.map(
      (command) => `| ${command} | ${ratio(command, 'median')} | ${ratio(command, 'longest')} |`,
    ),
  ].join('\n');
}

function mean(samples: readonly Sample[], command: string, which: 'median' | 'longest'): number {
  const values = samples.map(({ waits }) => waits.get(command)?.[which] ?? Number.NaN);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function heldTable({ samples }: Phase): string {
  const [first, last] = [samples[0], samples.at(-1)];
  return [
    '| held (memory in KiB) | first | last |',
    '| --- | --: | --: |',
    ...heldThings.map((thing) => `| ${thing} | ${first?.held[thing]} | ${last?.held[thing]} |`),
  ].join('\n');
}
