import type { Hook } from '../../src/config/generated/types.ts';
import { type Bundle, shellConfig } from '../bundle.ts';

/** What a hook writes is no output of the container. */
const LOG = 'hooks.log';

/** Writes down its name, in which mount namespace it runs, and the status that the state on its standard input tells. */
function tell(name: string, root: string): Hook {
  const line = `echo "${name}: $(readlink /proc/self/ns/mnt), $(grep -o '"status":"[a-z]*"')" >>${root}/${LOG}`;
  return { path: '/bin/sh', args: ['sh', '-c', line], env: ['PATH=/usr/bin:/bin'], timeout: 10 };
}

export const hooks: Bundle = {
  containers: [
    {
      name: 'hooks',
      log: LOG,
      config(host) {
        const config = shellConfig(host, `echo "the process: $(readlink /proc/self/ns/mnt)" >>/${LOG}`);
        config.root.readonly = false;
        // All but one find the bundle in their working directory.
        config.hooks = {
          createRuntime: [tell('createRuntime', 'rootfs')],
          createContainer: [tell('createContainer', 'rootfs')],
          startContainer: [tell('startContainer', '')],
          poststart: [tell('poststart', 'rootfs')],
          poststop: [tell('poststop', 'rootfs')],
        };
        return config;
      },
    },
  ],
};
