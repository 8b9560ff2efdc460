// Who says what the process of `exec` is: the command line, a process file, or the config.json of the container. An error
// names a property; a person has to know where to change it.

import { tellPlace } from '../config/places.ts';
import { TsociError } from '../linux/errors.ts';
import type { ProcessFile, ProcessOptions } from './exec-process.ts';

/** What of the command line decides about a property of the process; empty where nothing does. */
const given: Readonly<Record<string, (options: ProcessOptions) => string[]>> = {
  args: ({ args }) => (args.length > 0 ? ['the command given to exec'] : []),
  terminal: ({ tty }) => (tty ? ['--tty'] : []),
  user: ({ user, additionalGids }) => [
    ...(user ? ['--user'] : []),
    ...(additionalGids.length > 0 ? ['--additional-gids'] : []),
  ],
  cwd: ({ cwd }) => (cwd === undefined ? [] : ['--cwd']),
  env: ({ env }) => (env.length > 0 ? ['--env'] : []),
  capabilities: ({ capabilities }) => (capabilities.length > 0 ? ['--cap'] : []),
  noNewPrivileges: ({ noNewPrivileges }) => (noNewPrivileges ? ['--no-new-privs'] : []),
  apparmorProfile: ({ apparmorProfile }) => (apparmorProfile ? ['--apparmor'] : []),
  selinuxLabel: ({ selinuxLabel }) => (selinuxLabel ? ['--process-label'] : []),
};

/** Does something for the process. An error of a property tells where that was said. */
export function explainingSource<T>(
  id: string,
  options: ProcessOptions,
  file: ProcessFile | undefined,
  act: () => T,
): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TsociError) || error.property === undefined) throw error;
    const { message, errno, property, step, hint } = error;
    const told = `${message}; ${sourceOf(property, id, options, file)}`;
    throw new TsociError(told, { errno, property, propertyTold: true, step, hint, cause: error });
  }
}

function sourceOf(
  property: string,
  id: string,
  options: ProcessOptions,
  file: ProcessFile | undefined,
): string {
  const [, path = '', name = ''] = /^process\.((\w+).*)/.exec(property) ?? [];
  const decisive = given[name]?.(options) ?? [];
  if (decisive.length > 0) return `for ${decisive.join(' and ')}`;
  if (file?.names.includes(name)) return tellPlace(path, file);
  return `for ${property} of the config.json of container ${id}`;
}
