// The library in a program of an ordinary user.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isOpenToOthers } from '../../scripts/executable/copy.ts';
import { TIMEOUT, tsociPath } from '../container/harness.ts';
import { asUser, ensureUser, RootlessSandbox } from '../rootless/second-user.ts';

const test = suite('library: rootless');
const uid = ensureUser();

if (uid === undefined) console.log('skipped: only root can act as a second user');
else if (!isOpenToOthers(import.meta.dirname))
  console.log(`skipped: the library for an ordinary user, who may not read ${import.meta.dirname}`);
else defineTests(uid);
test.run();

function defineTests(user: number): void {
  const box = new RootlessSandbox(user);

  test('a container in a user namespace', () => {
    const program = join(import.meta.dirname, 'program.ts');
    const script = 'id -u; cat /proc/self/uid_map; exit 3';
    const words = [program, tsociPath, box.runtimeDirectory, box.rootfs, '/bin/sh', '-c', script];
    const { stdout, stderr } = spawnSync('setpriv', asUser(process.execPath, ...words), {
      encoding: 'utf8',
      env: { ...box.environment, PATH: process.env.PATH },
      timeout: TIMEOUT,
    });
    assert.is(stderr, '');
    const result = JSON.parse(stdout);
    assert.is(result.code, 3, result.stderr);
    assert.match(result.stdout, new RegExp(`^0\n\\s+0\\s+${user}\\s+1\n$`));
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}
