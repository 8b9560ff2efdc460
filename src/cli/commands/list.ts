import { messageOf } from '../../linux/errors.ts';
import { defineCommand } from '../command.ts';
import { TABLE_FORMAT, table } from '../table.ts';
import { userName } from '../users.ts';

export const command = defineCommand({
  name: 'list',
  summary: 'list the containers',
  description: 'Lists the containers under --root.',
  operands: [],
  options: [TABLE_FORMAT, { long: 'quiet', short: 'q', kind: 'flag', help: 'show only the ids' }],
  examples: [{ does: 'list the ids of all containers', line: 'list --quiet' }],
  async run({ caller, globals, values }) {
    const { listContainers } = await import('../../container/state/oci-state.ts');
    const { root, rootGiven } = globals;
    const found = listContainers(root, {
      mustExist: rootGiven,
      unreadable: (error) => caller.warn(messageOf(error)),
    });
    const states = found.map((state) => ({ ...state, owner: userName(state.owner) }));
    const print = (text: string) => caller.write(caller.stdio[1], text);
    if (values.quiet) print(states.map(({ id }) => `${id}\n`).join(''));
    else if (values.format === 'json') print(`${JSON.stringify(states)}\n`);
    else {
      const rows = states.map((state) => [
        state.id,
        String(state.pid),
        state.status,
        state.bundle,
        state.created,
        state.owner,
      ]);
      print(table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]));
    }
  },
});
