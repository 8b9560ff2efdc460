import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';
import { defineCommand } from '../command.ts';
import { TABLE_FORMAT } from '../table.ts';

export const command = defineCommand({
  name: 'ps',
  summary: 'show the processes of a container',
  description:
    "Shows the processes of a container: the lines about them of the host's ps(1). What follows CONTAINER are options of ps, -ef unless given; its output must have a column PID.",
  operands: ['CONTAINER', '[PS-OPTION...]'],
  passesArguments: true,
  options: [{ ...TABLE_FORMAT, help: 'table, or json: an array of process ids as the host sees them' }],
  examples: [
    { does: 'show the processes of the container web with their memory', line: 'ps web -o pid,rss,args' },
  ],
  async run({ caller, globals, values, operands: [id = '', ...psOptions] }) {
    const { containerPids } = await import('../../container/processes.ts');
    const pids = containerPids(globals.root, id);
    const text =
      values.format === 'json'
        ? `${JSON.stringify(pids)}\n`
        : linesAbout(pids, hostPs(caller, psOptions.length > 0 ? psOptions : ['-ef']));
    caller.write(caller.stdio[1], text);
  },
});

/** Milliseconds. It waits for a process whose memory the kernel works on, to read its arguments (proc_pid_cmdline(5)). */
const PS_TIMEOUT = 10_000;

function hostPs(caller: Caller, options: readonly string[]): string {
  // Loaded only where it is needed, since it takes long; the executable has no import() of what is Node's.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const ps = spawnSync('ps', options, {
    encoding: 'utf8',
    env: caller.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: Number.POSITIVE_INFINITY,
    timeout: PS_TIMEOUT,
  });
  if (ps.error) throw TsociError.from('execute ps', ps.error);
  if (ps.status !== 0) throw new TsociError(`ps ${options.join(' ')}: ${ps.stderr.trim().split('\n')[0]}`);
  return ps.stdout;
}

/** The header of ps's output and the lines whose column PID names one of the processes. */
export function linesAbout(pids: readonly number[], output: string): string {
  const [header = '', ...lines] = output.split('\n');
  const column = words(header).indexOf('PID');
  if (column < 0) throw new TsociError('ps: the output has no column PID');
  const wanted = new Set(pids.map(String));
  const about = lines.filter((line) => wanted.has(words(line)[column] ?? ''));
  return [header, ...about].map((line) => `${line}\n`).join('');
}

function words(line: string): string[] {
  return line.trim().split(/\s+/);
}
