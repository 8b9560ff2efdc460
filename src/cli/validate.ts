import { defineCommand } from './command.ts';
import { callerPath } from './paths.ts';

export const command = defineCommand({
  name: 'validate',
  summary: 'check a bundle or a config.json',
  description:
    'Checks a bundle, or a configuration by itself, against the runtime specification, and shows everything that is wrong with it at once: where, what, and what was expected. The exit status is 1 if anything is.',
  operands: ['[BUNDLE|FILE]'],
  options: [],
  examples: [{ does: 'check the bundle in the working directory', line: 'validate' }],
  async run({ caller, operands: [path = '.'] }) {
    caller.write(1, callerPath('x', path, caller) ?? '');
  },
});
