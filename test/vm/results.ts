// The guest runs each test file in its own process, between two marks; the host reads uvu's counts between them.

/** What one test file did. */
export type FileResult = {
  file: string;
  total: number;
  passed: number;
  /** Skipped by uvu, or by a test that printed `skip: REASON`. */
  skipped: number;
  /** Exit status of the process; undefined if the guest did not get that far. */
  exitCode: number | undefined;
};

const begin = '==> ';
const end = '<== exit ';

/** The shell script that runs test files, each for at most `timeout` seconds, and longer in a guest that is slow. */
export function testScript(files: string[], timeout: number): string {
  return files
    .map(
      (file) =>
        `echo '${begin}${file}'; timeout -s KILL $((${timeout} * TSOCI_TEST_SLOWNESS)) node '${file}' 2>&1; echo "${end}$?"\n`,
    )
    .join('');
}

/** Reads the output of testScript. */
export function readResults(files: string[], output: string): FileResult[] {
  return files.map((file) => {
    const from = output.indexOf(`${begin}${file}\n`);
    const to = output.indexOf(`\n${end}`, from);
    const text = from < 0 ? '' : output.slice(from, to < 0 ? undefined : to);
    const count = (word: string) => Number(text.match(new RegExp(`^ *${word}: +(\\d+)$`, 'm'))?.[1] ?? 0);
    const exitCode = to < 0 || from < 0 ? undefined : Number.parseInt(output.slice(to + end.length + 1), 10);
    const told = text.match(/^\s*skip: /gm)?.length ?? 0;
    const [total, passed, skipped] = [count('Total'), count('Passed'), count('Skipped') + told];
    return { file, total, passed, skipped, exitCode };
  });
}

/** What `N passed, N failed, N skipped` says. */
export type Tally = { passed: number; failed: number; skipped: number };

/** Adds up files. One that failed without a failed test, such as a crash, counts as one failure. */
export function tally(results: FileResult[]): Tally {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) {
    sum.passed += result.passed;
    sum.failed += Math.max(result.total - result.passed, failure(result) === undefined ? 0 : 1);
    sum.skipped += result.skipped;
  }
  return sum;
}

export function tallyLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Why a file counts as failed; undefined if it passed. A file in which no test ran has not passed. */
export function failure(result: FileResult): string | undefined {
  const { exitCode, passed, total } = result;
  const failed = total - passed;
  if (exitCode === undefined) return 'did not end';
  if (exitCode === 137) return 'was killed: time limit';
  if (failed > 0) return `${failed} of ${total} tests failed`;
  if (exitCode !== 0) return `exit status ${exitCode}`;
  if (passed === 0) return 'no test ran';
  return undefined;
}
