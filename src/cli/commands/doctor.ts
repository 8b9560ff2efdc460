import { defineCommand } from '../command.ts';

export const command = defineCommand({
  name: 'doctor',
  summary: 'show what this host offers to containers, and what it lacks',
  description: 'Shows what this host offers, a line each, and what to do about what is missing.',
  exitStatus: '1 if something is missing that every container needs, and 0 otherwise',
  operands: [],
  options: [{ long: 'json', kind: 'flag', help: 'show it as JSON' }],
  examples: [{ does: 'look at the host before the first container', line: 'doctor' }],
  async run({ caller, values }) {
    const { examine } = await import('../../doctor.ts');
    const findings = examine(caller);
    const lines = findings.map(({ what, ok, found, advice }) => {
      const mark = ok ? 'ok     ' : 'missing';
      return `${mark}  ${what}: ${found}${ok || !advice ? '' : `\n         ${advice}`}\n`;
    });
    caller.write(caller.stdio[1], values.json ? `${JSON.stringify(findings)}\n` : lines.join(''));
    return findings.some(({ ok, needed }) => needed && !ok) ? 1 : 0;
  },
});
