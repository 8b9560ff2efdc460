import { defineCommand } from './command.ts';
import { UsageError } from './options.ts';
import { callerPath } from './paths.ts';

export const command = defineCommand({
  name: 'plan',
  summary: 'show the system calls that would make a container, without making one',
  description:
    'Shows what "tsoci --trace run" would show of a bundle, and does none of it: no process, cgroup, mount or file is made. Each line has the process (boot, init, hook), the system call, its usual result, and the property of config.json that wants it. Where a container would depend on an answer of the kernel that only a try can give, the usual answer is taken.',
  operands: ['[BUNDLE]'],
  options: [
    {
      long: 'bundle',
      short: 'b',
      kind: 'string',
      placeholder: 'DIR',
      help: 'the bundle, if it is not an operand (default: the working directory)',
    },
    {
      long: 'config',
      short: 'f',
      kind: 'string',
      placeholder: 'FILE',
      help: 'the configuration to use in place of config.json, relative to the working directory',
    },
    { long: 'overlay', kind: 'flag', help: 'as with "run --overlay"' },
  ],
  examples: [{ does: 'show what a bundle would do before it is run', line: 'plan /bundles/web' }],
  async run({ caller, values, operands: [given] }) {
    if (given !== undefined && values.bundle !== undefined)
      throw new UsageError('plan: the bundle is given twice, as an operand and with --bundle');
    const { planContainer } = await import('../container/plan.ts');
    await planContainer(caller, {
      bundle: callerPath('bundle', given ?? values.bundle, caller) ?? caller.cwd,
      configFile: callerPath('config', values.config, caller),
      overlay: values.overlay,
      write: (text) => caller.write(caller.stdio[1], text),
    });
    return 0;
  },
});
