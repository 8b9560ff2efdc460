// The page for people. It quotes ratios, since times are those of one machine on one day.

import type { Timing } from './hyperfine.ts';
import type { TaskResult, ViewResult } from './measure.ts';
import type { Memory } from './memory.ts';
import type { Runtime } from './runtimes.ts';

export interface Facts {
  date: string;
  machine: readonly string[];
  runtimes: readonly Runtime[];
  bun: string;
  quick: boolean;
}

const introduction = `# Speed and memory, beside runc and crun

Written by \`npm run bench\`. Every number but memory is a ratio to runc, measured in the same run: 0.5 is half of
runc's, 2 is twice. *wall* is the median time a caller waits, ± half the distance between the quartiles; *cpu* is the
mean time of processors spent by the runtime and all it waited for. Commands are timed in turns, so that other work on
the machine strikes all alike.

*tsoci* starts a runtime for each command. *warm tsoci* is served by \`tsoci serve\`, which has served a hundred
commands before and whose time of processors counts (but not where a command is timed by itself, and the server has
prepared it, too). The
*floor* is an executable of Bun that does nothing, made and started as the runtime is: what is above it is tsoci's
doing. A task of three commands has the floor three times in it.

All executables are written anew before they are measured: a large one starts slower once it has been evicted from the
page cache and has come back page by page.`;

const lasting = `## What lasts

What ten thousand containers, a thousand at once and many exec probes leave, and whether the last command is as fast as the
first: [cold](soak-cold.md) and [resident](soak-resident.md), by \`npm run soak\`.

![waits and what is held, cold](soak-cold.svg)

![waits and what is held, resident](soak-resident.svg)`;

export function report(facts: Facts, views: readonly ViewResult[]): string {
  const sections = [
    introduction,
    [
      '## Where and what',
      `- ${facts.date}${facts.quick ? ', a quick run: few repetitions, rough numbers' : ''}`,
      ...facts.machine.map((line) => `- ${line}`),
      `- ${facts.runtimes.map(({ name, version }) => `${name} ${version}`).join(', ')}; Bun ${facts.bun}`,
    ].join('\n'),
    ...views.flatMap((view) => viewSections(view, facts)),
    lasting,
  ];
  return `${sections.join('\n\n')}\n`;
}

function viewSections(view: ViewResult, facts: Facts): string[] {
  const names = facts.runtimes
    .map(({ name }) => name)
    .filter((name) => !view.absent.has(name) && name !== 'runc');
  const sections = [`## ${view.view.title}`, timeTable(view.results, names)];
  for (const [name, reason] of view.absent) sections.push(`${name} does not run here: ${reason}`);
  sections.push(memoryTable(view.memory));
  return sections;
}

function timeTable(results: readonly TaskResult[], names: readonly string[]): string {
  const beside = names.includes('crun');
  const head = [
    'task',
    ...names.flatMap((name) => [`${name} wall`, `${name} cpu`]),
    ...(beside ? ['warm tsoci wall beside crun'] : []),
    'tsoci wall above the floor',
    'floor',
  ];
  const rows = results.map(({ task, timings }) => {
    const runc = timings.get('runc');
    const tsoci = timings.get('tsoci');
    const floor = (timings.get('floor')?.wall ?? Number.NaN) * task.invocations;
    const [warm, crun] = [timings.get('warm tsoci'), timings.get('crun')];
    const ratios = names.flatMap((name) => cells(timings.get(name), runc));
    if (beside) ratios.push(warm && crun ? ratio(warm.wall, crun.wall) : '');
    if (!runc || !tsoci) return [task.title, ...ratios, '', ''];
    return [task.title, ...ratios, ratio(tsoci.wall - floor, runc.wall), ratio(floor, runc.wall)];
  });
  return table(head, rows);
}

function cells(timing: Timing | undefined, runc: Timing | undefined): string[] {
  if (!timing || !runc) return ['', ''];
  return [
    `${ratio(timing.wall, runc.wall)} ± ${ratio(timing.spread, runc.wall)}`,
    timing.cpu === undefined || runc.cpu === undefined ? '' : ratio(timing.cpu, runc.cpu),
  ];
}

function memoryTable(memory: ReadonlyMap<string, Memory>): string {
  const names = [...memory.keys()];
  const row = (title: string, value: (of: Memory) => number | undefined) => [
    title,
    ...[...memory.values()].map((of) => kib(value(of))),
  ];
  const commands = [...(memory.values().next().value?.peak.keys() ?? [])];
  return [
    'Memory, in KiB. What a command holds is largely its executable, of which all that run share one copy.',
    table(
      ['', ...names],
      [
        row('the init that waits for start: resident', ({ init }) => init),
        row('of that, when shared pages are divided', ({ share }) => share),
        ...commands.map((command) => row(`the most held by ${command}`, ({ peak }) => peak.get(command))),
      ],
    ),
  ].join('\n\n');
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const ruler = head.map((_, index) => (index === 0 ? '---' : '--:'));
  return [head, ruler, ...rows].map(line).join('\n');
}

export function ratio(value: number, to: number): string {
  return (value / to).toFixed(2);
}

function kib(value: number | undefined): string {
  return value === undefined ? '' : String(Math.round(value));
}
