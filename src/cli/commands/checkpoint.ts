import { isAbsolute } from 'node:path';
import { defineCommand } from '../command.ts';
import { CRIU_OPTIONS, criuSettings } from '../criu-options.ts';
import { UsageError } from '../options.ts';

export const command = defineCommand({
  name: 'checkpoint',
  summary: 'write the processes of a running container to files',
  description:
    'Writes the processes of a running container, with their memory and all that they have open, to files of which "tsoci restore" makes a container again, here or on another machine. The container is deleted then, unless --leave-running is given. The program criu does the work; its log is dump.log in the directory of --work-path or --image-path.',
  operands: ['CONTAINER'],
  options: [
    ...CRIU_OPTIONS,
    {
      long: 'parent-path',
      kind: 'string',
      placeholder: 'DIR',
      help: 'the images of an earlier --pre-dump, relative to those of this one: only what has changed since is written',
    },
    { long: 'leave-running', kind: 'flag', help: 'let the container go on' },
    {
      long: 'pre-dump',
      kind: 'flag',
      help: 'write the memory only, and let the container go on: a checkpoint after it has less to do',
    },
    { long: 'tcp-skip-in-flight', kind: 'flag', help: 'leave out TCP connections that are being opened' },
    {
      long: 'page-server',
      kind: 'string',
      placeholder: 'ADDRESS:PORT',
      help: 'send memory to a page server; with --lazy-pages, be one',
    },
    {
      long: 'status-fd',
      kind: 'number',
      placeholder: 'N',
      help: 'write a NUL to descriptor N once memory can be asked for (--lazy-pages)',
    },
  ],
  examples: [
    {
      does: 'stop the container web and keep it in /images/web',
      line: 'checkpoint --image-path /images/web web',
    },
    {
      does: 'keep it as it is now and let it go on',
      line: 'checkpoint --leave-running --image-path /images/web web',
    },
  ],
  async run(invocation) {
    const { caller, globals, values, operands } = invocation;
    const parentPath = values['parent-path'];
    if (parentPath !== undefined && (parentPath === '' || isAbsolute(parentPath)))
      throw new UsageError(
        'option --parent-path: it is relative to --image-path, so that both can be moved together',
      );
    const statusFd = values['status-fd'];
    const { checkpointContainer } = await import('../../container/checkpoint/checkpoint.ts');
    await checkpointContainer(caller, {
      ...criuSettings(invocation),
      root: globals.root,
      id: operands[0] ?? '',
      parentPath,
      leaveRunning: values['leave-running'],
      preDump: values['pre-dump'],
      tcpSkipInFlight: values['tcp-skip-in-flight'],
      pageServer: values['page-server'] === undefined ? undefined : pageServer(values['page-server']),
      // runc's default is -1.
      statusFd: statusFd === -1 ? undefined : statusFd,
    });
  },
});

/** An address of IPv6 may stand in brackets. */
function pageServer(text: string): { address: string; port: number } {
  const [, address = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? [];
  if (!address || Number(port) < 1 || Number(port) > 65535)
    throw new UsageError(`option --page-server: "${text}" is not ADDRESS:PORT`);
  return { address, port: Number(port) };
}
