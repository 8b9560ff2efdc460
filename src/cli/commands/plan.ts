import type { Line } from '../../trace/lines.ts';
import { defineCommand } from '../command.ts';
import { MAKE_OPTIONS, makeOptions } from '../create-options.ts';
import { UsageError } from '../options.ts';

export const command = defineCommand({
  name: 'plan',
  summary: 'show the system calls that would make a container, without making one',
  description:
    'Shows what "tsoci --trace run" would show of a bundle, and does none of it: no process, cgroup, mount or file is made. Each line has the process (boot, init, hook), the system call, its usual result, and the property of config.json that wants it. Where a container would depend on an answer of the kernel that only a try can give, the usual answer is taken.',
  operands: ['[BUNDLE]'],
  options: [
    ...MAKE_OPTIONS,
    {
      long: 'id',
      kind: 'string',
      placeholder: 'ID',
      help: 'the name that the container would have (default: that of the directory of the bundle)',
    },
    {
      long: 'only',
      kind: 'string',
      placeholder: 'WHAT',
      help: 'show only the calls of these properties, rooms, processes and system calls, as --trace does: mounts,security,execve',
    },
  ],
  examples: [
    { does: 'show what a bundle would do before it is run', line: 'plan /bundles/web' },
    { does: 'show what becomes of its third mount', line: "plan --only 'mounts[2]' /bundles/web" },
  ],
  async run(invocation) {
    const { caller, values, operands } = invocation;
    const [given] = operands;
    if (given !== undefined && values.bundle !== undefined)
      throw new UsageError('plan: the bundle is given twice, as an operand and with --bundle');
    const { planContainer } = await import('../../plan/plan-container.ts');
    const { showLine } = await import('../../trace/lines.ts');
    const { screenOf } = await import('../../linux/screen.ts');
    const { parseFilter } = await import('../../trace/filter.ts');
    const options = makeOptions(invocation, given ?? values.bundle);
    const [, stdout] = caller.stdio;
    const screen = screenOf(stdout, caller.env);
    const filter = values.only === undefined ? undefined : parseFilter('--only', values.only.split(','));
    let text = '';
    const write = (lines: readonly Line[]) => {
      text += lines.map((line) => showLine(line, screen)).join('');
    };
    try {
      await planContainer(caller, { ...options, id: values.id, write, filter });
    } finally {
      // Up to a call that cannot be: that is the last line.
      caller.write(stdout, text);
    }
    return 0;
  },
});
