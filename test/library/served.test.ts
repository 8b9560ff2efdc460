// The library with the warm runtimes of tsoci serve, while as many containers run as there are workers.

import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { config, Runtime } from '../../src/library/index.ts';
import { enterPrivateRun, ServedSandbox } from '../launcher/server.ts';

enterPrivateRun(import.meta.filename);

const test = suite('library: served');
const box = new ServedSandbox();
box.serve(2);
const runtime = new Runtime({ executable: box.launcher, root: box.root, directory: box.directory });
const base = config(box.rootfs).env({ PATH: '/bin' });

test('containers that last leave workers for the commands on them', async () => {
  const before = box.status().served;
  await using first = await runtime.create(base.args('sleep', '1000'));
  await using second = await runtime.create(base.args('sleep', '1000'));
  for (const container of [first, second]) {
    await container.start();
    const echo = await container.exec(['echo', 'in it']);
    assert.is(await text(echo.stdout), 'in it\n');
    assert.is((await echo.wait()).code, 0);
  }
  const end = first.wait();
  await first.kill('SIGKILL');
  assert.is((await end).signal, 'SIGKILL');
  await first.delete();
  await second.delete({ force: true });
  // Nine commands. On a busy machine some may have found no worker in time, but no worker is held by the two that last.
  assert.ok(box.status().served - before >= 5);
  assert.equal(
    box.leftovers().filter((line) => !line.includes('tsoci serve')),
    [],
  );
});

test('errors are told the same', async () => {
  const error = await runtime.run(base.args('/bin/none')).catch((error: unknown) => error);
  assert.equal([(error as NodeJS.ErrnoException).code], ['ENOENT']);
});

test.after(() => box.close());
test.run();
