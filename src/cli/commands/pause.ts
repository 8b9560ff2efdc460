import { defineCommand } from '../command.ts';

export const command = defineCommand({
  name: 'pause',
  summary: 'suspend the processes of a container',
  description:
    'Suspends all processes of a running container (cgroup freezer). A container that was created only can be paused too: then it cannot be started until it is resumed.',
  operands: ['CONTAINER'],
  options: [],
  examples: [{ does: 'suspend the container web', line: 'pause web' }],
  async run({ globals, operands: [id = ''] }) {
    const { pauseContainer } = await import('../../container/pause.ts');
    pauseContainer(globals.root, id);
  },
});
