import { defineCommand } from '../command.ts';
import { debuggable } from '../debugging.ts';
import { UsageError } from '../options.ts';
import { callerPath } from '../paths.ts';
import {
  CONSOLE_SOCKET,
  checkSurroundings,
  numericId,
  PID_FILE,
  PIDFD_SOCKET,
  parseUser,
} from '../process-options.ts';

export const command = defineCommand({
  name: 'exec',
  summary: 'execute another process in a running container',
  description:
    'Executes a command in a running container and waits for it. What follows CONTAINER, or "--" behind it, is the command with its own options. What the options leave open is as in the process of config.json.',
  operands: ['CONTAINER', '[COMMAND]', '[ARG...]'],
  passesArguments: true,
  failure: 255,
  exitStatus:
    'that of the command, or 128 and the number of the signal that killed it, or 255 if tsoci could not execute it. With --detach: 0 once it is started',
  options: [
    {
      long: 'process',
      short: 'p',
      kind: 'string',
      placeholder: 'FILE',
      help: 'a JSON file with the process to execute, as in config.json, in place of COMMAND; capabilities, limits and labels that it leaves out are those of config.json',
    },
    { long: 'tty', short: 't', kind: 'flag', help: 'give it a terminal' },
    {
      long: 'user',
      short: 'u',
      kind: 'string',
      placeholder: 'UID[:GID]',
      help: 'the user and group it has, as numbers; without GID, and for its further groups, those of config.json',
    },
    {
      long: 'additional-gids',
      short: 'g',
      kind: 'list',
      placeholder: 'GID',
      help: 'a group it is in beside those of config.json (may be repeated)',
    },
    { long: 'cwd', kind: 'string', placeholder: 'PATH', help: 'its working directory in the container' },
    {
      long: 'env',
      short: 'e',
      kind: 'list',
      placeholder: 'NAME=VALUE',
      help: 'a variable of its environment, in place of one of that name (may be repeated)',
    },
    {
      long: 'cap',
      short: 'c',
      kind: 'list',
      placeholder: 'CAP',
      help: 'a capability to add (may be repeated)',
    },
    { long: 'no-new-privs', kind: 'flag', help: 'never let it gain privileges by execve' },
    { long: 'apparmor', kind: 'string', placeholder: 'PROFILE', help: 'its AppArmor profile' },
    { long: 'process-label', kind: 'string', placeholder: 'LABEL', help: 'its SELinux label' },
    {
      long: 'cgroup',
      kind: 'string',
      placeholder: 'PATH',
      help: "an existing cgroup below the container's to put it in",
    },
    { long: 'detach', short: 'd', kind: 'flag', help: 'return once it is started' },
    { ...PID_FILE, help: 'write its process id to this file' },
    PIDFD_SOCKET,
    CONSOLE_SOCKET,
    {
      long: 'preserve-fds',
      kind: 'number',
      placeholder: 'N',
      default: 0,
      help: 'pass N descriptors from 3 on, beside those that LISTEN_FDS counts',
    },
    { long: 'ignore-paused', kind: 'flag', help: 'wait in a paused container rather than fail' },
  ],
  examples: [
    { does: 'list the processes of the container web', line: 'exec web ps -ef' },
    { does: 'open a shell in it', line: 'exec --tty --env TERM=xterm web sh' },
  ],
  async run({ caller, globals, values, operands: [id = '', ...args] }) {
    const processFile = callerPath('process', values.process, caller);
    if (args.length === 0 && !processFile)
      throw new UsageError('exec: the command to execute is missing, and there is no --process');
    if (args.length > 0 && processFile) throw new UsageError('exec: both --process and a command were given');
    const preserveFds = values['preserve-fds'];
    if (preserveFds < 0) throw new UsageError(`option --preserve-fds: ${preserveFds} is negative`);
    checkSurroundings(values);
    const { execInContainer } = await import('../../container/exec.ts');
    const options = {
      root: globals.root,
      id,
      args,
      processFile,
      tty: values.tty,
      user: values.user === undefined ? undefined : parseUser(values.user),
      additionalGids: values['additional-gids'].map((gid) => numericId('additional-gids', gid)),
      cwd: values.cwd,
      env: values.env,
      capabilities: values.cap,
      noNewPrivileges: values['no-new-privs'],
      apparmorProfile: values.apparmor,
      selinuxLabel: values['process-label'],
      cgroup: values.cgroup,
      detach: values.detach,
      pidFile: callerPath('pid-file', values['pid-file'], caller),
      pidfdSocket: callerPath('pidfd-socket', values['pidfd-socket'], caller),
      consoleSocket: callerPath('console-socket', values['console-socket'], caller),
      preserveFds,
      ignorePaused: values['ignore-paused'],
    };
    return debuggable({ caller, globals }, { command: 'exec', id }, () => execInContainer(caller, options));
  },
});
