// The races of `npm run races`, a few containers of each.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarios } from './scenarios.ts';

const test = suite('races');
const CREATES = 12;
const unshare = spawnSync('unshare', ['--mount', 'true']).status === 0;
if (!unshare) console.log('skipped: needs unshare(1) and the right to make a mount namespace');

// Seen with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS off: mounts on the host, and directories made there. Before the directory
// of the root filesystem was opened once and without links (this was a hole): filesystems of containers whose mounts are shared
// were mounted on the host.
if (unshare)
  for (const { name, cve } of scenarios) {
    test(`${cve}: ${name}`, () => {
      const command = [join(import.meta.dirname, 'run.ts'), '--creates', String(CREATES), '--only', name];
      const { status, stdout, stderr } = spawnSync('unshare', ['--mount', process.execPath, ...command], {
        encoding: 'utf8',
        timeout: 120_000,
      });
      assert.is(status, 0, stdout + stderr);
      assert.match(stdout, new RegExp(`^${CREATES} passed, 0 failed$`, 'm'));
    });
  }

test.run();
