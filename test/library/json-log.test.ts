// What the library takes for the log of a command.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, readLog } from '../../src/library/json-log.ts';

const test = suite('library: log');

test('a line that is no line of the log is an error by itself, JSON or not', () => {
  const lines = ['{"level":"warning","msg":"w"}', 'tsoci: it has died', 'null', '5', '{"level":"error"}'];
  const read = readLog(`${lines.join('\n')}\n`);
  assert.equal(
    read.map(({ level, msg }) => `${level} ${msg}`),
    ['warning w', 'error it has died', 'error null', 'error 5', 'error {"level":"error"}'],
  );
  assert.is(failureOf('run', readLog('null'), 'exit 1').message, 'null');
});

test.run();
