// Finding args[0] as execvp(3) does, inside the container. `create` does it: an executable that is missing is told by
// `create`, not first by `start`.

import { posix } from 'node:path';
import { variable } from '../../config/variables.ts';
import { lookInto } from '../../diagnosis/explain-execve.ts';
import { find, hintOf, isFile } from '../../diagnosis/files.ts';
import { type Execution, whyNotExecutable } from '../../diagnosis/program.ts';
import { AT_EACCESS, AT_FDCWD, S_IFDIR, STATX_TYPE, X_OK } from '../../linux/constants.ts';
import { EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from '../../linux/errno.ts';
import { TsociError } from '../../linux/errors.ts';
import { fileTypeOf, STATX_SIZE } from '../../linux/statx.ts';
import type { StubProcess } from '../../stub/stub-process.ts';

/** Where execvp looks when there is no PATH (confstr(3), _CS_PATH, and what engines set). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const absent = [ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG];

/** The path to execute. Init is in the container's root and in process.cwd. */
export function findExecutable(init: StubProcess, name: string, env: readonly string[]): string {
  if (name === '') throw new TsociError('exec: the name of the program is empty', { errno: ENOENT });
  const path = variable(env, 'PATH') ?? DEFAULT_PATH;
  const candidates = name.includes('/')
    ? [name]
    : path.split(':').map((directory) => posix.join(directory || '.', name));
  const program = init.program();
  const checks = candidates.map((candidate) => {
    const stat = Buffer.alloc(STATX_SIZE);
    const doing = `look for ${candidate}`;
    const statx = program.call('statx', [AT_FDCWD, candidate, 0, STATX_TYPE, stat], doing, {
      ignored: absent,
    });
    const args = [AT_FDCWD, candidate, X_OK, AT_EACCESS];
    const access = program.call('faccessat2', args, doing, { ignored: absent });
    return { candidate, stat, statx, access };
  });
  const results = init.run(program);
  // The words that runc uses: engines look for them.
  let refusal = 'no such file or directory';
  let errno = ENOENT;
  let refused = name;
  for (const { candidate, stat, statx, access } of checks) {
    if (results.at(statx) < 0) continue;
    if (fileTypeOf(results.bytes(stat)) === S_IFDIR) refusal = 'is a directory: permission denied';
    else if (results.at(access) === 0) return candidate;
    else refusal = 'permission denied';
    errno = EACCES;
    refused = candidate;
  }
  const searched = errno === ENOENT && !name.includes('/');
  const told = searched ? `executable file not found in $PATH (${path})` : refusal;
  const why = lookInto(init, (execution) =>
    searched ? elsewhere(execution, name) : hintOf(whyNotExecutable(execution, refused)),
  );
  throw new TsociError(`exec: "${name}": ${told}${why ? `; ${why}` : ''}`, { errno });
}

/** Where a program is that is not in PATH. */
function elsewhere({ files, person }: Execution, name: string): string | undefined {
  const candidates = DEFAULT_PATH.split(':').map((directory) => posix.join(directory, name));
  const at = candidates.find((candidate) => isFile(find(files, candidate, person)));
  return at && `it is at ${at}`;
}
