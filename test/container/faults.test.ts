// System calls that fail where they never do: `run` says so within seconds, and keeps neither its id nor anything else.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXEC_FAILED, eventually, Sandbox } from './harness.ts';
import { missingStrace, underStrace } from './strace.ts';

const test = suite('faults');
const box = new Sandbox();
if (missingStrace) console.log(`skipped: ${missingStrace}`);

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
if (!missingStrace)
  for (const [call, errno, most] of faults) {
    test(`${call}: ${errno}`, () => {
      box.configure('true');
      let tried = 0;
      for (let nth = 1; nth <= most; nth++) {
        const id = box.id();
        const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=${errno}:when=${nth}`];
        const { trace, status, stderr, duration } = underStrace(box, inject, ['run', id]);
        if (!trace().includes('(INJECTED)')) break;
        tried++;
        const what = `${call} ${nth}: status ${status}, ${Math.round(duration)} ms, ${stderr}`;
        // What the engine in the runtime cannot do without, the launcher tells of.
        assert.ok(status === 0 || (status === 1 && stderr.includes('tsoci: ')), what);
        assert.ok(duration < 5000, what);
        assert.not.ok(existsSync(join(box.root, id)), `${what}: the id is kept`);
      }
      assert.ok(tried > 0);
      eventually('nothing is left, strace neither', () => box.leftovers().length === 0);
    });
  }

/** A process that is to execute /bin/true is killed before it does, in its last program or by that call itself. */
const ends: readonly [what: string, inject: string[]][] = [
  ['killed as it executes its program', ['-P', '/bin/true', '-e', 'inject=execve:signal=KILL']],
  ['killed when it gives up its rights', ['-e', 'trace=capset', '-e', 'inject=capset:signal=KILL']],
];
// Seen with the end of its socket taken for success: exec had 137 without a word, which is what a program has that is killed.
if (!missingStrace)
  for (const [what, inject] of ends) {
    test(`exec whose process is ${what} is an error of exec`, () => {
      const id = box.id();
      box.configure('sleep 1000');
      assert.is(box.detached('run', '--detach', id), 0);
      for (const detach of [[], ['--detach']]) {
        const { status, stderr } = underStrace(box, inject, ['exec', ...detach, id, '/bin/true']);
        assert.is(status, EXEC_FAILED, stderr);
        assert.match(stderr, /^tsoci: the process for exec died while it was set up \(killed by signal 9\)/m);
      }
      assert.is(box.tsoci('delete', '--force', id).status, 0);
    });
  }

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
