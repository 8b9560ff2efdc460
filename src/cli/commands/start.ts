import { defineCommand } from '../command.ts';
import { debuggable } from '../debugging.ts';

export const command = defineCommand({
  name: 'start',
  summary: 'execute the process of a created container',
  description: 'Lets the process of a created container execute what config.json says.',
  operands: ['CONTAINER'],
  options: [],
  examples: [{ does: 'start the container web', line: 'start web' }],
  async run({ caller, globals, operands: [id = ''] }) {
    const { startContainer } = await import('../../container/start.ts');
    await debuggable({ caller, globals }, { command: 'start', id }, () =>
      startContainer(caller, { root: globals.root, id }),
    );
  },
});
