// Commands beside a `delete --force` of the same container: each of them either works or says that the container is not
// there, has stopped or does not run. Never is it told what the command could not open because of that.

import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox } from '../container/harness.ts';
import { command } from './command.ts';

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
      const racing = [command(box, args(id)), command(box, args(id))];
      await sleep(round * 8);
      const deleted = command(box, ['delete', '--force', id]);
      for (const { status, stderr } of await Promise.all(racing)) {
        // The program itself may be killed: 128 and SIGKILL.
        if (status === 0 || (status === 137 && stderr === '')) continue;
        assert.match(
          stderr,
          /^tsoci: (.* the container (is|has) stopped|container \S+ does not exist)[^\n]*\n$/,
        );
      }
      assert.equal(await deleted, { status: 0, signal: null, stderr: '' });
    }
    assert.equal(box.leftovers(), []);
  });
}

test.after(() => box.close());
test.run();
