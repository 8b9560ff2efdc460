import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failure, readResults, tally, tallyLine, testScript } from './results.ts';

const counts = (total: number, passed: number, skipped: number) =>
  `• •   (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n`;

/** Why each of the files failed, or undefined. */
function reasons(files: string[], output: string): (string | undefined)[] {
  return readResults(files, output).map(failure);
}

test('the script runs each file between two marks', () => {
  const script = testScript(['a.test.ts', 'b.test.ts'], 60);
  assert.is(script.split('\n').length, 3);
  assert.match(
    script,
    "echo '==> b.test.ts'; timeout -s KILL $((60 * TSOCI_TEST_SLOWNESS)) node 'b.test.ts' 2>&1; echo \"<== exit $?\"",
  );
});

test('counts belong to the file they follow', () => {
  const skip = 'skip: no disk\n';
  const output = `==> a\n${counts(3, 3, 1)}\n<== exit 0\n==> b\n${skip}${counts(2, 1, 0)}\n<== exit 1\n`;
  assert.equal(readResults(['a', 'b'], output), [
    { file: 'a', total: 3, passed: 3, skipped: 1, exitCode: 0 },
    { file: 'b', total: 2, passed: 1, skipped: 1, exitCode: 1 },
  ]);
  assert.equal(reasons(['a', 'b'], output), [undefined, '1 of 2 tests failed']);
});

test('a file in which no test ran has not passed', () => {
  assert.equal(reasons(['a'], '==> a\n<== exit 0\n'), ['no test ran']);
  assert.equal(reasons(['a'], `==> a\n${counts(0, 0, 2)}\n<== exit 0\n`), ['no test ran']);
});

test('a file that crashed, was killed, or never ran has not passed', () => {
  const output = `==> a\nError: no such module\n<== exit 1\n==> b\n• Killed\n<== exit 137\n==> c\n${counts(1, 1, 0)}`;
  assert.equal(reasons(['a', 'b', 'c', 'd'], output), [
    'exit status 1',
    'was killed: time limit',
    'did not end',
    'did not end',
  ]);
});

test('a crash counts as one failure', () => {
  const output = `==> a\n${counts(3, 1, 1)}\n<== exit 1\n==> b\n<== exit 1\n==> c\n${counts(2, 2, 0)}\n<== exit 0\n`;
  assert.is(tallyLine(tally(readResults(['a', 'b', 'c'], output))), '3 passed, 3 failed, 1 skipped');
});

test.run();
