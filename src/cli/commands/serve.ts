import { defineCommand } from '../command.ts';
import { UsageError } from '../options.ts';
import { callersPath } from '../paths.ts';
import { TABLE_FORMAT } from '../table.ts';

const MOST_FREE = 32;
/** setTimeout(3) and poll(2) count milliseconds in 32 bits. */
const MOST_SECONDS = 2_000_000;

export const command = defineCommand({
  name: 'serve',
  summary: 'keep runtimes warm, so that no command waits for the start of one',
  description:
    'Serves the commands of this user from warm workers, at /run/tsoci-serve/socket, or $XDG_RUNTIME_DIR/tsoci-serve/socket for a user who is not root, or on the socket of a service manager (LISTEN_FDS). What a command does, says and leaves is the same. Only a caller is served that could do it all itself with the same result: of the same user and groups, capabilities, seccomp mode, label, root directory and namespaces, and with the same build of tsoci. Anybody else has a runtime of its own started as without a server, and so has who has waited for a quarter of a second because all workers were busy. Ends with SIGTERM: commands that are being served are finished. Commands look for a server at the path above and nowhere else; one with a socket of another name is found if the administrator links that path to it.',
  operands: [],
  options: [
    {
      long: 'workers',
      kind: 'number',
      placeholder: 'N',
      default: 2,
      help: 'how many workers are kept free; for one whose command lasts another is started',
    },
    {
      long: 'idle',
      kind: 'number',
      placeholder: 'SECONDS',
      help: 'end when nobody was served for that long: a service manager with the socket starts the server again',
    },
    { long: 'socket', kind: 'string', placeholder: 'FILE', help: 'where to listen, or which server to ask' },
    {
      long: 'status',
      kind: 'flag',
      help: 'show what the server that runs, and each of its workers, does',
    },
    { ...TABLE_FORMAT, help: 'of --status: table or json' },
  ],
  examples: [
    { does: 'keep four workers free', line: 'serve --workers 4' },
    { does: 'see what the server does', line: 'serve --status' },
  ],
  async run({ caller, values: { workers, idle, socket: given, status, format } }) {
    if (workers < 1 || workers > MOST_FREE)
      throw new UsageError(`option --workers: ${workers} is not between 1 and ${MOST_FREE}`);
    if (idle !== undefined && (idle < 1 || idle > MOST_SECONDS))
      throw new UsageError(`option --idle: ${idle} is not between 1 and ${MOST_SECONDS}`);
    const socket = given === undefined ? undefined : callersPath(given, caller);
    if (status) {
      const { serverStatus } = await import('../server-status.ts');
      caller.write(caller.stdio[1], serverStatus(caller, socket, format));
      return 0;
    }
    const { supervise } = await import('../../launcher/supervisor.ts');
    const { managerSocket, tellManager } = await import('../../container/notify-socket.ts');
    const { version } = await import('../version.ts');
    const milliseconds = idle === undefined ? undefined : idle * 1000;
    return supervise(caller, { workers, idle: milliseconds, socket, version: version() }, () => {
      const manager = managerSocket(caller);
      if (manager !== undefined) tellManager(manager, ['READY=1']);
    });
  },
});
