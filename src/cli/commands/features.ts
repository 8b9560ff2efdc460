import { defineCommand } from '../command.ts';

export const command = defineCommand({
  name: 'features',
  summary: 'show what this tsoci implements',
  description:
    'Shows as JSON what this tsoci implements, whatever the host has: the features structure of the runtime specification.',
  operands: [],
  options: [],
  examples: [{ does: 'list the mount options that it knows', line: "features | jq '.mountOptions'" }],
  async run({ caller }) {
    const { features } = await import('../features-structure.ts');
    caller.write(caller.stdio[1], `${JSON.stringify(features(), null, 2)}\n`);
    return 0;
  },
});
