// What `npm run races` does, a little of each.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostiles } from './looks.ts';
import { scenarios } from './scenarios.ts';

const test = suite('races');
const CREATES = 12;
const LOOKS = 100;
/** A tenth of it is for looks, of which there are fewer then. */
const SECONDS = '300';
const unshare = spawnSync('unshare', ['--mount', 'true']).status === 0;
if (!unshare) console.log('skipped: needs unshare(1) and the right to make a mount namespace');

// Seen with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS off: mounts on the host, and directories made there. Before the directory
// of the root filesystem was opened once and without links (this was a hole): filesystems of containers whose mounts are shared
// were mounted on the host.
if (unshare)
  for (const { name, cve } of scenarios)
    test(`${cve}: ${name}`, () => {
      assert.match(run('--creates', String(CREATES), '--only', name), `\n${CREATES} passed, 0 failed\n`);
    });

// Seen with the container's cgroup as the host has it among the descriptors of the process that comes in (this was a hole, for
// who has CAP_SYS_PTRACE): a file of the host was read through it, and a limit of the container could be written.
if (unshare)
  for (const { name, cve } of hostiles)
    test(`${cve}: ${name} looks at who comes in`, () => {
      assert.match(
        run('--looks', String(LOOKS), '--seconds', SECONDS, '--only', name),
        / passed, 0 failed\n/,
      );
    });

function run(...options: string[]): string {
  const command = ['--mount', process.execPath, join(import.meta.dirname, 'run.ts'), ...options];
  const { status, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8', timeout: 120_000 });
  assert.is(status, 0, stdout + stderr);
  return stdout;
}

test.run();
