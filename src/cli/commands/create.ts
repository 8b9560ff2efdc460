import { defineCommand } from '../command.ts';
import { CREATE_OPTIONS, createOptions } from '../create-options.ts';

export const command = defineCommand({
  name: 'create',
  summary: 'create a container, ready to be started',
  description:
    'Creates a container from a bundle. Its namespaces, mounts and limits are made and its process waits; "tsoci start" lets it execute what config.json says. ID is a name of your choice that no other container under the same --root has.',
  operands: ['ID'],
  options: CREATE_OPTIONS,
  examples: [
    {
      does: 'create the container web and note the process id that it will have',
      line: 'create --bundle /bundles/web --pid-file /run/web.pid web',
    },
  ],
  async run(invocation) {
    const { createContainer } = await import('../../container/create/create.ts');
    await createContainer(invocation.caller, createOptions(invocation));
  },
});
