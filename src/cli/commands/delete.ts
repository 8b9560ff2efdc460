import { ENOENT } from '../../linux/errno.ts';
import { errnoOf } from '../../linux/errors.ts';
import { defineCommand } from '../command.ts';
import { forEach, REGEX_OPTION, selectContainers } from '../select.ts';

export const command = defineCommand({
  name: 'delete',
  summary: 'remove what a stopped container holds',
  description:
    'Removes what a stopped container holds: its cgroup and its state. The id can be used again afterwards.',
  operands: ['CONTAINER'],
  options: [
    {
      long: 'force',
      short: 'f',
      kind: 'flag',
      help: 'kill the container first if it runs; succeed if there is none',
    },
    REGEX_OPTION,
  ],
  examples: [{ does: 'remove the container web even if it runs', line: 'delete --force web' }],
  async run({ caller, globals: { root }, values: { force, regex }, operands: [id = ''] }) {
    const { deleteContainer } = await import('../../container/delete.ts');
    await forEach(caller, await selectContainers(root, id, regex), async (selected) => {
      try {
        await deleteContainer(caller, { root, id: selected, force });
      } catch (error) {
        if (!(force && errnoOf(error) === ENOENT)) throw error;
      }
    });
  },
});
