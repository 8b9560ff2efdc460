import { defineCommand } from '../command.ts';

export const command = defineCommand({
  name: 'pause',
  summary: 'suspend the processes of a container',
  description: 'Suspends all processes of a running container (cgroup freezer).',
  operands: ['CONTAINER'],
  options: [],
  examples: [{ does: 'suspend the container web', line: 'pause web' }],
  async run({ globals, operands: [id = ''] }) {
    const { pauseContainer } = await import('../../container/pause.ts');
    pauseContainer(globals.root, id);
  },
});
