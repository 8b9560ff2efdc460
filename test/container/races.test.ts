// Commands beside a `delete --force` of the same container: each of them either works or says that the container is not
// there, has stopped or does not run. Never is it told what the command could not open because of that.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, TIMEOUT, tsociPath } from './harness.ts';

const test = suite('races with delete');
const box = new Sandbox();
const ROUNDS = 6;

const commands: Record<string, (id: string) => string[]> = {
  exec: (id) => ['exec', id, 'true'],
  kill: (id) => ['kill', id, 'KILL'],
  events: (id) => ['events', '--stats', id],
  state: (id) => ['state', id],
  ps: (id) => ['ps', '--format', 'json', id],
};

for (const [name, args] of Object.entries(commands)) {
  test(name, async () => {
    box.configure('sleep 1000');
    for (let round = 0; round < ROUNDS; round++) {
      const id = box.id();
      assert.is(box.detached('run', '--detach', id), 0);
      const racing = [start(...args(id)), start(...args(id))];
      await pause(round * 8);
      const deleted = start('delete', '--force', id);
      for (const { status, stderr } of await Promise.all(racing)) {
        // The program itself may be killed: 128 and SIGKILL.
        if (status === 0 || (status === 137 && stderr === '')) continue;
        assert.match(
          stderr,
          /^tsoci: (.* the container (is|has) stopped|container \S+ does not exist)[^\n]*\n$/,
        );
      }
      assert.equal(await deleted, { status: 0, stderr: '' });
    }
    assert.equal(box.leftovers(), []);
  });
}

async function start(...args: string[]): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(tsociPath, ['--root', box.root, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT,
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const [status] = await once(child, 'close');
  return { status, stderr };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

test.after(() => box.close());
test.run();
