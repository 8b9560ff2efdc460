import { defineCommand } from '../command.ts';
import { callerPath } from '../paths.ts';

export const command = defineCommand({
  name: 'validate',
  summary: 'check a bundle or a config.json',
  description:
    'Checks a bundle, or a configuration by itself, against the runtime specification, and shows everything that is wrong with it at once: its place and JSON pointer, what it is, and what was expected. With --host it also tells what would not work here and now: the program, its loader and interpreter, hooks, sources and targets of mounts, filesystems, cgroup controllers, security modules, system call names, ids. Nothing is made.',
  exitStatus: '1 if there is an error among what is found, and 0 otherwise',
  operands: ['[BUNDLE|FILE]'],
  options: [
    {
      long: 'host',
      kind: 'flag',
      help: 'also tell what would not work on this host',
    },
    {
      long: 'format',
      short: 'f',
      kind: 'string',
      placeholder: 'FORMAT',
      choices: ['text', 'json'],
      default: 'text',
      help: 'text, a line for each, or json, an array',
    },
  ],
  examples: [
    { does: 'check the bundle in the working directory', line: 'validate' },
    { does: 'find out why a bundle does not run', line: 'validate --host /bundles/web' },
  ],
  async run({ caller, globals, values: { format, host }, operands: [given = '.'] }) {
    const { configFileOf, validateBundle } = await import('../../config/validate.ts');
    const { formatFindings, inOrder } = await import('../../config/finding.ts');
    const path = callerPath('validate', given, caller) ?? given;
    const file = configFileOf(path);
    let findings = validateBundle(path);
    if (host) {
      const { withHostProblems } = await import('../../plan/host-findings.ts');
      findings = await withHostProblems(caller, globals, file, findings);
    }
    const shown =
      format === 'json' ? `${JSON.stringify(inOrder(findings), null, 2)}\n` : formatFindings(findings, file);
    caller.write(caller.stdio[1], shown);
    return findings.some(({ level }) => level === 'error') ? 1 : 0;
  },
});
