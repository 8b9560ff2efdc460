import { defineCommand } from '../command.ts';
import { BUNDLE_OPTIONS, makeOptions, NO_SUBREAPER } from '../create-options.ts';
import { CRIU_OPTIONS, criuSettings } from '../criu-options.ts';
import { callerPath } from '../paths.ts';
import { CONSOLE_SOCKET, PID_FILE } from '../process-options.ts';

export const command = defineCommand({
  name: 'restore',
  summary: 'make a container of what checkpoint has written',
  description:
    'Makes a container of a bundle and of the images that "tsoci checkpoint" has written. Its processes go on where they were. ID and the path of the bundle may be others than before. It is attended and deleted as by "tsoci run", unless --detach is given. Bind mounts, namespaces by path and limits are those of the bundle; hooks are run that make what is in no checkpoint: prestart and createRuntime. The program criu does the work; its log is restore.log in the directory of --work-path or --image-path.',
  operands: ['ID'],
  options: [
    ...BUNDLE_OPTIONS,
    { long: 'detach', short: 'd', kind: 'flag', help: 'return once the container is restored' },
    PID_FILE,
    CONSOLE_SOCKET,
    ...CRIU_OPTIONS,
    {
      long: 'lsm-profile',
      kind: 'string',
      placeholder: 'TYPE:NAME',
      help: 'the profile of the processes in place of the one they had: apparmor:NAME or selinux:LABEL',
    },
    {
      long: 'lsm-mount-context',
      kind: 'string',
      placeholder: 'CONTEXT',
      help: 'the SELinux context of mounts in place of the one they had',
    },
    NO_SUBREAPER,
    { long: 'no-pivot', kind: 'flag', help: 'accepted and ignored: criu changes the root' },
    {
      long: 'no-new-keyring',
      kind: 'flag',
      help: 'give processes of "tsoci exec" the session keyring of the caller',
    },
  ],
  examples: [
    { does: 'restore the container web', line: 'restore --image-path /images/web --bundle /bundles/web web' },
  ],
  async run(invocation) {
    const { caller, globals, values, operands } = invocation;
    const { restoreContainer } = await import('../../container/checkpoint/restore.ts');
    const options = { ...values, 'preserve-fds': 0, overlay: false, network: undefined };
    return restoreContainer(caller, {
      ...makeOptions({ caller, globals, values: options }, values.bundle),
      ...criuSettings(invocation),
      id: operands[0] ?? '',
      detach: values.detach,
      pidFile: callerPath('pid-file', values['pid-file'], caller),
      consoleSocket: callerPath('console-socket', values['console-socket'], caller),
      lsmProfile: values['lsm-profile'],
      lsmMountContext: values['lsm-mount-context'],
    });
  },
});
