// A configuration with what a person wants otherwise, as the options of `tsoci spec` say it.

import type { Config, Mount, User } from './generated/types.ts';
import { given } from './given.ts';
import { lastOfEach } from './variables.ts';

/** What is to be otherwise; what is undefined or empty stays as it is. */
export interface Changes {
  args: readonly string[];
  /** `NAME=VALUE`, each in place of the variable of that name. */
  env: readonly string[];
  cwd: string | undefined;
  user: User | undefined;
  terminal: boolean | undefined;
  rootfs: string | undefined;
  readonly: boolean | undefined;
  hostname: string | undefined;
  /** Mounted last, so that one below another's destination is seen. */
  mounts: readonly Mount[];
}

export function compose(config: Config, changes: Changes): Config {
  const { args, env, cwd, user, terminal, rootfs, readonly, hostname, mounts } = changes;
  const process = config.process && {
    ...config.process,
    ...(args.length > 0 && { args: [...args] }),
    env: lastOfEach([...(config.process.env ?? []), ...env]),
    ...given({ cwd, user, terminal }),
  };
  return {
    ...config,
    ...(process && { process }),
    ...(config.root && { root: { ...config.root, ...given({ path: rootfs, readonly }) } }),
    ...given({ hostname }),
    mounts: [...(config.mounts ?? []), ...mounts],
  };
}
