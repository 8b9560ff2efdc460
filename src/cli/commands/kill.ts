import { defineCommand } from '../command.ts';
import { forEach, REGEX_OPTION, selectContainers } from '../select.ts';
import { signalNumber } from '../signals.ts';

export const command = defineCommand({
  name: 'kill',
  summary: "send a signal to a container's process",
  description:
    'Sends a signal to the process of a created or running container: TERM unless SIGNAL says otherwise, by number (9), by name (KILL) or by its whole name (SIGKILL). 0 sends none, and fails unless there is such a process.',
  operands: ['CONTAINER', '[SIGNAL]'],
  options: [
    { long: 'all', short: 'a', kind: 'flag', help: 'send it to all processes of the container' },
    REGEX_OPTION,
  ],
  examples: [{ does: 'kill the container web', line: 'kill web KILL' }],
  async run({ caller, globals: { root }, values, operands: [id = '', name = 'TERM'] }) {
    const signal = signalNumber(name);
    const { killContainer } = await import('../../container/kill.ts');
    await forEach(caller, await selectContainers(root, id, values.regex), (selected) =>
      killContainer({ root, id: selected, signal, all: values.all }),
    );
  },
});
