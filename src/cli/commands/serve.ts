import { defineCommand } from '../command.ts';
import { UsageError } from '../options.ts';

const MOST_WORKERS = 64;

export const command = defineCommand({
  name: 'serve',
  summary: 'keep runtimes warm, so that no command waits for the start of one',
  description:
    'Serves the commands of this user from warm workers, at /run/tsoci-serve/socket, or $XDG_RUNTIME_DIR/tsoci-serve/socket for a user who is not root, or on the socket of a service manager (LISTEN_FDS). What a command does, says and leaves is the same. Only a caller is served that could do it all itself with the same result: of the same user and groups, capabilities, seccomp mode, label, root directory and namespaces, and with the same build of tsoci. Anybody else, and who comes when all workers are busy, has a runtime of its own started as without a server. Ends with SIGTERM.',
  operands: [],
  options: [
    {
      long: 'workers',
      kind: 'number',
      placeholder: 'N',
      default: 2,
      help: 'how many commands are served at a time',
    },
  ],
  examples: [{ does: 'serve four commands at a time', line: 'serve --workers 4' }],
  async run({ caller, values: { workers } }) {
    if (workers < 1 || workers > MOST_WORKERS)
      throw new UsageError(`option --workers: ${workers} is not between 1 and ${MOST_WORKERS}`);
    const { supervise } = await import('../../launcher/supervisor.ts');
    const { managerSocket, tellManager } = await import('../../container/notify-socket.ts');
    return supervise(caller, workers, () => {
      const manager = managerSocket(caller);
      if (manager !== undefined) tellManager(manager, ['READY=1']);
    });
  },
});
