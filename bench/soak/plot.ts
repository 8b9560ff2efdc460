// A soak as a picture: what callers waited and what was held, beside the first sample, so that flat is 1.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { heldThings, type Sample } from './observe.ts';
import type { Phase, Soak } from './phases.ts';

type Series = (sample: Sample) => number | undefined;

/** Writes an SVG by gnuplot: a column for each phase, above it the waits, below it what was held. */
export function plot({ phases }: Soak, file: string, work: string): void {
  const directory = join(work, 'plot');
  mkdirSync(directory, { recursive: true });
  const waits = phases.map((phase, index) =>
    draw(phase, waitSeries(phase), join(directory, `waits-${index}`)),
  );
  const held = phases.map((phase, index) => draw(phase, heldSeries(phase), join(directory, `held-${index}`)));
  const script = [
    "set terminal svg size 1200,640 font 'sans-serif,11' background 'white'",
    `set output '${file}'`,
    `set multiplot layout 2,${phases.length}`,
    "set key bottom left samplen 2; set grid; set yrange [0:2]; set xtics rotate by -30; set format x '%.0f'",
    "set ylabel 'median wait / first'",
    ...waits,
    "set ylabel 'held / first'",
    ...held,
  ].join('\n');
  const { status, error, stderr } = spawnSync('gnuplot', { input: script, encoding: 'utf8' });
  if (error) throw new Error('gnuplot (Debian: gnuplot-nox) is not installed');
  if (status !== 0) throw new Error(`gnuplot: ${stderr}`);
}

/** The commands of gnuplot for one diagram, whose data go to files that begin with `prefix`. */
function draw(phase: Phase, series: ReadonlyMap<string, Series>, prefix: string): string {
  const lines = [...series].map(([name, of], index) => {
    const first = phase.samples.map(of).find((value) => value);
    const rows = phase.samples.map((sample) => `${sample.done} ${(of(sample) ?? Number.NaN) / (first ?? 1)}`);
    const file = `${prefix}-${index}`;
    writeFileSync(file, rows.join('\n'));
    return `'${file}' with lines lw 1.5 title '${name}'`;
  });
  return `set title '${phase.title}'\nplot ${lines.join(', ')}`;
}

function waitSeries({ samples }: Phase): Map<string, Series> {
  const commands = [...(samples[0]?.waits.keys() ?? [])];
  return new Map(commands.map((command) => [command, ({ waits }) => waits.get(command)?.median]));
}

/** What nothing holds, such as the memory of workers without a server, is left out. */
function heldSeries({ samples }: Phase): Map<string, Series> {
  const things = heldThings.filter((thing) => samples.some(({ held }) => held[thing] > 0));
  return new Map(things.map((thing) => [thing, ({ held }) => held[thing]]));
}
