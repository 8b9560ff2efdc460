// Where criu is looked for, and what is told of its log.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Criu } from '../../src/criu/criu.ts';
import { errorsIn } from '../../src/criu/criu-log.ts';
import { findCriu } from '../../src/criu/find-criu.ts';
import { testCaller } from '../launcher/driven.ts';

const test = suite('criu');
const directory = mkdtempSync('/tmp/tsoci-criu-');
const program = join(directory, 'criu');

test('a criu that does nothing for too long is ended', () => {
  const fake = join(import.meta.dirname, 'fake-criu.ts');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${fake} "$@"\n`, { mode: 0o755 });
  const env = ['FAKE_CRIU=hangs'];
  using criu = Criu.start({ ...testCaller(), program, env, sameSession: false });
  criu.checkVersion();
  assert.throws(() => criu.request({ type: 'DUMP', opts: {}, idle: 1500 }), /criu has done nothing for 2 s/);
});

test('a criu that is named is taken, whatever PATH has', () => {
  assert.is(findCriu({ env: {} }, '/opt/criu'), '/opt/criu');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  assert.is(findCriu({ env: { PATH: `relative:/nowhere/at/all:${directory}` } }, undefined), program);
});

test('of a log the last errors are told, each once, without those that say nothing', () => {
  const log = join(directory, 'log');
  const line = (text: string) => `(00.1)      1: ${text}\n`;
  const errors = ['one', 'two', 'two', 'three', 'four\\n', 'Dumping FAILED.'];
  writeFileSync(
    log,
    [line('Warn: no'), ...errors.map((text) => line(`Error (criu/a.c:1): ${text}`))].join(''),
  );
  assert.is(errorsIn(log), 'two; three; four');
  assert.is(errorsIn(`${log}-that-is-not-there`), '');
});

test.after(() => rmSync(directory, { recursive: true }));
test.run();
