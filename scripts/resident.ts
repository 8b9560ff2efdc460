// Usage: node scripts/resident.ts COMMAND...
//
// Executes the command where a server of dist/tsoci serves what it runs: in a mount namespace whose /run/tsoci-serve is
// its own. TSOCI_TEST_RESIDENT is `served` there. Fails when the command does, or when the server has served nothing.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { discardEmptyDirectory } from '../src/linux/files.ts';
import { pause } from '../src/linux/sleep.ts';
import { root } from './repository.ts';

const DIRECTORY = '/run/tsoci-serve';
const INSIDE = 'served';
const tsoci = process.env.TSOCI ?? join(root, 'dist', 'tsoci');

const command = process.argv.slice(2);
process.exitCode = process.env.TSOCI_TEST_RESIDENT === INSIDE ? inside(command) : outside(command);

function outside(words: readonly string[]): number {
  const made = mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 }) !== undefined;
  const script = `mount -t tmpfs none ${DIRECTORY} && exec "$@"`;
  const again = ['--mount', 'sh', '-c', script, 'sh', process.execPath, import.meta.filename, ...words];
  const env = { ...process.env, TSOCI_TEST_RESIDENT: INSIDE };
  const { status } = spawnSync('unshare', again, { env, stdio: 'inherit' });
  if (made) discardEmptyDirectory(DIRECTORY);
  return status ?? 1;
}

function inside([program = '', ...words]: readonly string[]): number {
  const server = startServer();
  try {
    const { status } = spawnSync(program, words, { stdio: 'inherit' });
    const counts = statusOf();
    if (!counts) throw new Error('the server has ended');
    const { served, refused, gone } = counts;
    console.log(`The server has served ${served} commands; ${refused} were refused, ${gone} did not wait.`);
    // A runtime of their own is for the few that the server may not serve.
    return served > refused + gone ? (status ?? 1) : 1;
  } finally {
    server.kill('SIGTERM');
  }
}

function startServer(): ChildProcess {
  const server = spawn(tsoci, ['serve'], { stdio: ['ignore', 'inherit', 'inherit'] });
  for (let tries = 100; !statusOf(); tries--) {
    if (tries === 0) throw new Error(`${tsoci} serve does not answer`);
    pause(50);
  }
  return server;
}

function statusOf(): { served: number; refused: number; gone: number } | undefined {
  const { status, stdout } = spawnSync(tsoci, ['serve', '--status', '--format', 'json'], {
    encoding: 'utf8',
  });
  return status === 0 ? JSON.parse(stdout) : undefined;
}
