import { defineCommand } from '../command.ts';
import { UsageError } from '../options.ts';

export const command = defineCommand({
  name: 'events',
  summary: 'show the resource use of a container, and its events',
  description:
    'Shows as JSON, an object a line, what a container uses of CPU, memory, I/O and tasks, again and again until it stops, and between them when it ran out of memory.',
  operands: ['CONTAINER'],
  options: [
    {
      long: 'interval',
      kind: 'string',
      placeholder: 'TIME',
      default: '5s',
      help: 'the time between two lines: a number with ms, s or m',
    },
    { long: 'stats', kind: 'flag', help: 'show the resource use once' },
  ],
  examples: [{ does: 'show once what the container web uses', line: 'events --stats web' }],
  async run({ caller, globals, values, operands: [id = ''] }) {
    const interval = milliseconds(values.interval);
    const { containerEvents } = await import('../../container/events.ts');
    const print = (event: unknown) => caller.write(caller.stdio[1], `${JSON.stringify(event)}\n`);
    await containerEvents(caller, { root: globals.root, id, once: values.stats, interval }, print);
  },
});

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** `5s`, `500ms` or `1m` in milliseconds; at least 1. */
export function milliseconds(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const time = Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (!(time >= 1)) throw new UsageError(`option --interval: "${text}" is no time such as 5s or 500ms`);
  return time;
}
