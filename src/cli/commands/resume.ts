import { defineCommand } from '../command.ts';

export const command = defineCommand({
  name: 'resume',
  summary: 'let the processes of a paused container go on',
  description: 'Lets the processes of a paused container go on.',
  operands: ['CONTAINER'],
  options: [],
  examples: [{ does: 'let the container web go on', line: 'resume web' }],
  async run({ globals, operands: [id = ''] }) {
    const { resumeContainer } = await import('../../container/pause.ts');
    resumeContainer(globals.root, id);
  },
});
