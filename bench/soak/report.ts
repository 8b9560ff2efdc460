// The page for people: ratios of the last tenth to the first, and the plots.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from '../machine.ts';
import { ratio, table } from '../report.ts';
import { heldThings, type Sample, type Waits } from './observe.ts';
import type { Phase, Soak } from './phases.ts';
import { plot } from './plot.ts';

/** Writes docs/soak-MODE.md and its picture. */
export function writePage(directory: string, soak: Soak, left: number, work: string): void {
  const name = `soak-${soak.mode}`;
  plot(soak, join(directory, `${name}.svg`), work);
  const date = new Date().toISOString().slice(0, 10);
  const facts = [date, ...describeMachine(), `left behind in the end: ${left} things`];
  const page = [
    introduction(soak),
    facts.map((fact) => `- ${fact}`).join('\n'),
    `![waits and what is held](${name}.svg)`,
    ...soak.phases.flatMap((phase) => [`## ${phase.title}`, waitTable(phase), heldTable(phase)]),
  ].join('\n\n');
  writeFileSync(join(directory, `${name}.md`), `${page}\n`);
}

function introduction({ mode }: Soak): string {
  const served =
    mode === 'cold' ? 'each command has a runtime of its own' : 'commands are served by `tsoci serve`';
  return `# What lasts, where ${served}

Written by \`npm run soak -- --mode ${mode} --write\`. Waits are the median of the last tenth beside that of the first tenth, of
what a caller of the command waits: 1 is as fast as at the beginning. What is held is counted at the first of fifty samples
and at the last. Keys, cgroups, threads and the kernel's memory are those of the whole machine.`;
}

function waitTable({ samples }: Phase): string {
  const commands = [...(samples[0]?.waits.keys() ?? [])];
  const tenth = Math.ceil(samples.length / 10);
  const [first, last] = [samples.slice(0, tenth), samples.slice(-tenth)];
  return table(
    ['command', 'median wait, last / first', 'longest of a hundred, last / first'],
    commands.map((command) => [
      command,
      ...(['median', 'longest'] as const).map((which) =>
        ratio(mean(last, command, which), mean(first, command, which)),
      ),
    ]),
  );
}

function mean(samples: readonly Sample[], command: string, which: keyof Waits): number {
  const values = samples.map(({ waits }) => waits.get(command)?.[which] ?? Number.NaN);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function heldTable({ samples }: Phase): string {
  const [first, last] = [samples[0], samples.at(-1)];
  return table(
    ['held (memory in KiB)', 'first', 'last'],
    heldThings.map((thing) => [thing, String(first?.held[thing]), String(last?.held[thing])]),
  );
}
