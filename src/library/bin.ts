#!/usr/bin/env node
// `npx tsoci …`: this program becomes the executable, or, where Node cannot do that, stays before it.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { packagedExecutable, packageNames } from './packaged-executable.ts';

/** As shells have it for what cannot be found. */
const NOT_FOUND = 127;
const SIGNALS = 128;

const executable = packagedExecutable();
const args = process.argv.slice(2);

if (executable === undefined) {
  console.error(`tsoci: no executable for this machine; npm install ${packageNames()[0]}`);
  process.exitCode = NOT_FOUND;
} else if (process.execve) {
  // Node tells that this is experimental, which is nothing to whoever runs tsoci.
  process.removeAllListeners('warning');
  process.execve(executable, [executable, ...args], process.env);
} else {
  const child = spawn(executable, args, { stdio: 'inherit' });
  for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const)
    process.on(name, () => child.kill(name));
  child.on('exit', (code, signal) => process.exit(code ?? SIGNALS + constants.signals[signal ?? 'SIGKILL']));
}
