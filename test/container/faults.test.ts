// System calls that fail where they never do: `run` says so within seconds, and keeps neither its id nor anything else.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('faults');
const box = new Sandbox();
const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace) console.log('skipped: needs strace, which makes system calls fail');

interface Faulty {
  /** Whether there was such a call. */
  injected: boolean;
  status: number | null;
  stderr: string;
  duration: number;
  id: string;
}

/** `run`, in each process of which the nth call fails. */
function run(call: string, errno: string, nth: number): Faulty {
  const id = box.id();
  const log = join(box.directory, 'strace');
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${errno}:when=${nth}`];
  const command = [tsociPath, '--root', box.root, 'run', id];
  const from = performance.now();
  const { status, stderr } = spawnSync('strace', ['-qq', '-f', '-o', log, ...inject, ...command], {
    cwd: box.bundle,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT,
  });
  const injected = existsSync(log) && readFileSync(log, 'utf8').includes('(INJECTED)');
  return { injected, status, stderr, duration: performance.now() - from, id };
}

/**
 * The first calls, up to the nth, of what there is. Seen: EIO of flock(2) kept the id; where the launcher or a stub could not
 * reply, each waited for the other for ever; where the last wait failed, the container went on.
 */
const faults: readonly [call: string, errno: string, nth: number][] = [
  ['flock', 'EIO', 1],
  ['socketpair', 'EMFILE', 4],
  ['memfd_create', 'EMFILE', 4],
  ['bind', 'EIO', 4],
  ['connect', 'EIO', 4],
  ['clone3', 'EAGAIN', 4],
  ['clone', 'EAGAIN', 4],
  ['sendmsg', 'EIO', 4],
  ['recvmsg', 'EMFILE', 4],
  ['ppoll', 'EIO', 8],
  ['wait4', 'EIO', 8],
  ['sendto', 'EIO', 40],
  ['recvfrom', 'EIO', 40],
];
if (strace)
  for (const [call, errno, most] of faults) {
    test(`${call}: ${errno}`, () => {
      box.configure('true');
      let tried = 0;
      for (let nth = 1; nth <= most; nth++) {
        const { injected, status, stderr, duration, id } = run(call, errno, nth);
        if (!injected) break;
        tried++;
        const what = `${call} ${nth}: status ${status}, ${Math.round(duration)} ms, ${stderr}`;
        // What the engine in the runtime cannot do without, the launcher tells of.
        assert.ok(status === 0 || (status === 1 && stderr.includes('tsoci: ')), what);
        assert.ok(duration < 5000, what);
        assert.not.ok(existsSync(join(box.root, id)), `${what}: the id is kept`);
      }
      assert.ok(tried > 0);
      assert.equal(box.leftovers(), []);
    });
  }

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
