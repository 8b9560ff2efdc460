import type { Planner } from '../../debug/plan-ahead.ts';
import type { Caller } from '../../launcher/caller.ts';
import { defineCommand, type Invocation } from '../command.ts';
import { MAKE_OPTIONS, makeOptions } from '../create-options.ts';
import { GLOBAL_OPTIONS } from '../globals.ts';
import { type Option, parse, UsageError, type Values } from '../options.ts';
import { ownExecutable } from '../own-executable.ts';
import { callerPath } from '../paths.ts';

const OPTIONS = [
  ...MAKE_OPTIONS,
  {
    long: 'break',
    kind: 'list',
    placeholder: 'WHERE',
    help: 'stop there: at a property (mounts[2], process.rlimits), a system call (pivot_root), a step (rootfs, createRuntime, start), or error (may be repeated)',
  },
  {
    long: 'command',
    short: 'x',
    kind: 'string',
    placeholder: 'FILE',
    help: 'read commands from this file, one a line',
  },
  { long: 'json', kind: 'flag', help: 'show events and answers as JSON, one a line, for an editor' },
  {
    long: 'attach',
    kind: 'string',
    placeholder: 'ID|SOCKET',
    help: 'go to a command that waits at its failure: --debug-wait, TSOCI_DEBUG, or the annotation org.tsoci.debug',
  },
] as const satisfies readonly Option[];

export const command = defineCommand({
  name: 'debug',
  summary: 'stop anywhere in the making of a container, look around, go on',
  description:
    'Runs a bundle as "tsoci run" does, and stops where something fails, before anything is taken back; and at breakpoints. There the operation, its property in config.json and the section of the specification can be shown, the process looked at, a shell opened in its namespaces with the programs of the host, the failed operation done again, left out, or its config changed. help tells of all commands. Their input is the terminal, --command or standard input; at its end all that was made is taken back.\n"debug exec CONTAINER COMMAND" and "debug start CONTAINER" do the same for a process that enters a container, and for one that was created.',
  operands: ['[ID|exec|start]', '[CONTAINER]', '[ARG...]'],
  passesArguments: true,
  options: OPTIONS,
  examples: [
    { does: 'find out why the bundle in the working directory does not run', line: 'debug' },
    {
      does: 'look at the third mount before it is made',
      line: "debug --bundle /bundles/web --break 'mounts[2]'",
    },
    { does: 'go to a create of an engine that waits at its failure', line: 'debug --attach 4e1a7c' },
  ],
  async run(invocation) {
    const { caller, globals, values, operands } = invocation;
    const { root } = globals;
    const { attachDebugger, debugCommand } = await import('../../debug/debugger.ts');
    const options = {
      root,
      breaks: values.break,
      commandFile: callerPath('command', values.command, caller),
      json: values.json,
    };
    const { parseWhere } = await import('../../debug/where.ts');
    for (const where of options.breaks) parseWhere(where);
    if (values.attach !== undefined) {
      if (operands.length > 0) throw new UsageError('debug --attach: what is debugged is named twice');
      return attachDebugger(caller, options, values.attach);
    }
    const args = [...globalArguments(caller), ...commandArguments(caller, values, operands)];
    const makes = operands[0] !== 'exec' && operands[0] !== 'start';
    const planner = makes ? plannerOf(invocation) : undefined;
    return debugCommand(caller, { ...options, planner }, ownExecutable(caller), args);
  },
});

/** What would be done, for `list`. What it has to say the command says that is debugged. */
function plannerOf(invocation: Invocation<typeof OPTIONS>): Planner {
  const caller: Caller = Object.create(invocation.caller, { warn: { value: () => {} } });
  const options = makeOptions(invocation, invocation.values.bundle);
  return async (write) => {
    const { planContainer } = await import('../../plan/plan-container.ts');
    await planContainer(caller, { ...options, id: `debug-plan-${caller.pid}`, write, filter: undefined });
  };
}

/** What stands before the command, for the command that is debugged. */
function globalArguments({ args }: Caller): readonly string[] {
  return args.slice(0, args.length - parse(GLOBAL_OPTIONS, args, 1).operands.length);
}

function commandArguments(
  caller: Caller,
  values: Values<typeof OPTIONS>,
  [first, second, ...rest]: readonly string[],
): readonly string[] {
  if (first === 'exec' || first === 'start') {
    if (second === undefined) throw new UsageError(`debug ${first}: CONTAINER is missing`);
    return [first, second, ...rest];
  }
  if (second !== undefined)
    throw new UsageError(`debug: unexpected argument "${second}"; options come before the ID`);
  const made = MAKE_OPTIONS.flatMap(({ long, kind }) => {
    const value = values[long];
    if (kind === 'flag') return value === true ? [`--${long}`] : [];
    return value === undefined || value === 0 ? [] : [`--${long}=${String(value)}`];
  });
  return ['run', ...made, first ?? `debug-${caller.pid}`];
}
