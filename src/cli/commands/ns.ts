import { defineCommand } from '../command.ts';
import { KINDS } from '../ns/kinds.ts';
import { UsageError } from '../options.ts';

export const command = defineCommand({
  name: 'ns',
  summary: 'show the namespaces of containers and processes, enter them, or make some by hand',
  description:
    'Shows the eight namespaces of containers and processes side by side: the inode number of each, whether it is that of the caller (host), how many processes are in it and the first of them. Without operands: of the caller, of all containers that have a process, and of all that are pinned.\n"ns enter ID|PID -- COMMAND" executes a command in the namespaces named by options, all of them if none is; what a container confines besides (capabilities, seccomp, cgroup) it does not get: see exec.\n"ns run [NAME] -- COMMAND" executes a command in new namespaces that options name, which end with it, and in those pinned as NAME. In a new pid namespace it is process 1, with a /proc of its own.\n"ns add NAME" makes those that options name and pins them: they last without a process, until "ns delete NAME" and the end of the last process in them. Network namespaces are at /run/netns/NAME, where ip netns has them, others beside the state directory. It takes root. A pid namespace cannot be pinned: it ends with its first process.',
  exitStatus:
    '0 on success and 1 on failure. With "enter" and "run": that of the command, or 128 and the number of the signal that killed it',
  operands: ['[add|delete|run|enter]', '[NAME|ID|PID...]'],
  options: [
    { long: 'json', kind: 'flag', help: 'show the namespaces as JSON, with all pids' },
    {
      long: 'tree',
      kind: 'flag',
      help: 'show all namespaces that can be seen below the user namespaces that own them, and below their parents',
    },
    ...KINDS,
  ],
  examples: [
    { does: 'compare the container web with process 1 of the host', line: 'ns web 1' },
    {
      does: "list the container's network devices with the host's ip",
      line: 'ns enter --net web -- ip address',
    },
    { does: 'be root of new namespaces, as anybody', line: 'ns run --user --pid --net -- sh' },
    { does: 'keep a network namespace, and run a command in it', line: 'ns add --net blue' },
    { does: 'run a command in it', line: 'ns run blue -- ip link' },
  ],
  async run({ caller, globals: { root }, values, operands, separated }) {
    const [first = '', ...rest] = operands;
    const given = { caller, root, values, operands: rest, separated: separated ? separated - 1 : undefined };
    const { add, enter, remove, run } = await import('../ns/run.ts');
    const does = { add, delete: remove, enter, run };
    if (Object.hasOwn(does, first)) return does[first as keyof typeof does](given);
    const { showNamespaces, showTree } = await import('../ns/show.ts');
    if (values.tree && operands.length > 0)
      throw new UsageError('ns --tree: it shows all, and takes no operands');
    await (values.tree
      ? showTree(caller, root, values.json)
      : showNamespaces(caller, root, operands, values.json));
    return 0;
  },
});
