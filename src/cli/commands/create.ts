import { defineCommand } from '../command.ts';
import { CREATE_OPTIONS, createOptions, debugSettings } from '../create-options.ts';
import { debuggable } from '../debugging.ts';

export const command = defineCommand({
  name: 'create',
  summary: 'create a container, ready to be started',
  description:
    'Creates a container from a bundle. Its namespaces, mounts and limits are made and its process waits; "tsoci start" lets it execute what config.json says. With --wait tsoci is the parent of the process, and so learns how it ends. ID is a name of your choice that no other container under the same --root has.',
  operands: ['ID'],
  options: [
    ...CREATE_OPTIONS,
    {
      long: 'wait',
      kind: 'flag',
      help: 'stay until the process has ended, which "tsoci start" starts, and pass signals on to it; the exit status is that of the process',
    },
  ],
  examples: [
    {
      does: 'create the container web and note the process id that it will have',
      line: 'create --bundle /bundles/web --pid-file /run/web.pid web',
    },
  ],
  async run(invocation) {
    const options = createOptions(invocation);
    const debugged = { command: 'create', ...debugSettings(invocation, options) };
    if (invocation.values.wait) {
      const { createAndWait } = await import('../../container/run.ts');
      return debuggable(invocation, debugged, (prepared) =>
        createAndWait(invocation.caller, options, prepared),
      );
    }
    const { createContainer } = await import('../../container/create/create.ts');
    await debuggable(invocation, debugged, (prepared) =>
      createContainer(invocation.caller, options, prepared),
    );
    return 0;
  },
});
