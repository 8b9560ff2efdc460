import { defineCommand } from '../command.ts';
import { CREATE_OPTIONS, createOptions, debugSettings } from '../create-options.ts';
import { debuggable } from '../debugging.ts';

export const command = defineCommand({
  name: 'run',
  summary: 'create a container, start it and wait for it',
  description:
    'Creates and starts a container, passes signals on to it, and deletes it when its process has ended.',
  exitStatus:
    'that of the process, or 128 and the number of the signal that killed it, or 1 if there is none. With --detach: 0 once the container is started',
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
    const options = { ...createOptions(invocation), detach, keep };
    const debugged = { command: 'run', ...debugSettings(invocation, options) };
    return debuggable(invocation, debugged, (prepared) => runContainer(invocation.caller, options, prepared));
  },
});
