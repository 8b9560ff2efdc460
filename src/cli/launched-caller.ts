// The caller as its launcher tells of it.

import { isAbsolute } from 'node:path';
import type { Caller } from '../launcher/caller.ts';
import type { LauncherProcess } from '../launcher/launcher-process.ts';
import type { Request } from '../launcher/request.ts';
import { ENOENT } from '../linux/errno.ts';
import { TsociError } from '../linux/errors.ts';
import type { Log } from './log.ts';
import { writeAll } from './output.ts';

/** getcwd(2) answers with no more. */
const PATH_MAX = 4096;
const streams = ['standard input', 'standard output', 'standard error'];

/** Asks the launcher for what the request does not tell only when it is asked for. */
export function launchedCaller(request: Request, launcher: LauncherProcess, log: Log): Caller {
  let cwd: string | undefined;
  let umask: number | undefined;
  return {
    ...request,
    get status() {
      return launcher.status;
    },
    launcher,
    signals: launcher.signals,
    get cwd() {
      cwd ??= workingDirectory(launcher);
      return cwd;
    },
    get umask() {
      umask ??= readUmask(launcher);
      return umask;
    },
    write: (fd, text) => {
      writeAll(fd, text, streams[request.stdio.indexOf(fd)]);
    },
    warn: (message) => log('warning', message),
    debug: (message) => log('debug', message),
  };
}

function workingDirectory(launcher: LauncherProcess): string {
  const doing = 'find the working directory';
  const hint = 'was it removed?';
  const path = Buffer.alloc(PATH_MAX);
  const program = launcher.program();
  const length = program.call('getcwd', [path, path.length], doing, { ignored: [ENOENT] });
  const results = launcher.run(program);
  if (results.at(length) < 0) throw TsociError.fromErrno(doing, -results.at(length), hint);
  // With the NUL behind it.
  const cwd = results.bytes(path).toString('utf8', 0, results.at(length) - 1);
  // "(unreachable)/…", which is not below the root directory.
  if (!isAbsolute(cwd)) throw new TsociError(`${doing}: ${cwd}`);
  return cwd;
}

/** umask(2) sets it with each look. */
function readUmask(launcher: LauncherProcess): number {
  const looking = launcher.program();
  const umask = looking.call('umask', [0], 'read the umask');
  const found = launcher.run(looking).at(umask);
  const restoring = launcher.program();
  restoring.call('umask', [found], 'set the umask again');
  launcher.run(restoring);
  return found;
}
