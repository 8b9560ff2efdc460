import { defineCommand } from '../command.ts';
import { CREATE_OPTIONS, createOptions } from '../create-options.ts';

export const command = defineCommand({
  name: 'run',
  summary: 'create a container, start it and wait for it',
  description:
    'Creates and starts a container, passes signals on to it, and deletes it when its process has ended. The exit status is that of the process, or 128 and the number of the signal that killed it.',
  operands: ['ID'],
  options: [
    ...CREATE_OPTIONS,
    { long: 'detach', short: 'd', kind: 'flag', help: 'return once the container is started' },
    { long: 'keep', kind: 'flag', help: 'leave the container, stopped, for "tsoci delete"' },
  ],
  examples: [{ does: 'run the bundle in the working directory', line: 'run web' }],
  async run(invocation) {
    const { detach, keep } = invocation.values;
    const { runContainer } = await import('../../container/run.ts');
    return runContainer(invocation.caller, { ...createOptions(invocation), detach, keep });
  },
});
