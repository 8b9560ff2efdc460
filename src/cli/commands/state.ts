import { defineCommand } from '../command.ts';
import { userName } from '../users.ts';

export const command = defineCommand({
  name: 'state',
  summary: 'show the state of a container',
  description:
    'Shows the state of a container as JSON: what the runtime specification says of it, and its root filesystem, its owner and when it was created.',
  operands: ['CONTAINER'],
  options: [],
  examples: [{ does: 'show the state of the container web', line: 'state web' }],
  async run({ caller, globals, operands: [id = ''] }) {
    const { containerState } = await import('../../container/state/oci-state.ts');
    const state = containerState(globals.root, id);
    const shown = { ...state, owner: userName(state.owner) };
    caller.write(caller.stdio[1], `${JSON.stringify(shown, null, 2)}\n`);
  },
});
