import { defineCommand } from './command.ts';
import { callerPath } from './paths.ts';

export const command = defineCommand({
  name: 'validate',
  summary: 'check a bundle or a config.json',
  description:
    'Checks a bundle, or a configuration by itself, against the runtime specification, and shows everything that is wrong with it at once: where, what, and what was expected. The exit status is 1 if there is an error among it.',
  operands: ['[BUNDLE|FILE]'],
  options: [],
  examples: [{ does: 'check the bundle in the working directory', line: 'validate' }],
  async run({ caller, operands: [given = '.'] }) {
    const { configFileOf, validateBundle } = await import('../config/validate.ts');
    const { formatFindings } = await import('../config/finding.ts');
    const path = callerPath('validate', given, caller) ?? given;
    const findings = validateBundle(path);
    caller.write(caller.stdio[1], formatFindings(findings, configFileOf(path)));
    return findings.some(({ level }) => level === 'error') ? 1 : 0;
  },
});
