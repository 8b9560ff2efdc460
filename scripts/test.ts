// npm test: every test file under test/ (the guest's apart) in a process of its own, at most two at once, then one line.
//
//   npm test -- [--name TEXT] [PATH-PART…]
//
// With TSOCI_TEST_RESIDENT=1 what they run is served by a server of dist/tsoci (scripts/resident.ts).
// --name takes only tests with TEXT in their names.
// A file is a uvu suite. A test that this machine cannot run says why on a line of its own: "skip: …" or "skipped: …".

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { sweepSandboxes } from '../test/container/sandboxes.ts';
import { copyExecutable, isOpenToOthers } from './executable/copy.ts';
import { makeWorkDirectory, sweepWorkDirectories } from './work-directories.ts';

const root = join(import.meta.dirname, '..');
/** How a test says that it, or a part of it, cannot run here, and why. */
const SKIP = /^\s*(# )?skip(ped)?: /;
/** No test file takes longer than this, in milliseconds. */
const TIMEOUT = 5 * 60_000;

/** What they are about is the launcher's own runtime, a child of it: no server serves them. */
const COLD = [
  'test/container/faults.test.ts',
  'test/container/waits.test.ts',
  'test/launcher/limits.test.ts',
];
/** From another mount namespace nobody is served. */
const away = ['unshare', '--mount', '--propagation', 'unchanged'];

interface Outcome {
  file: string;
  passed: number;
  failed: number;
  skipped: number;
  output: string;
}

const { values, positionals: parts } = parseArgs({
  options: { name: { type: 'string' } },
  allowPositionals: true,
});
const files = globSync('test/**/*.test.ts', { cwd: root })
  .filter((file) => !file.startsWith('test/vm/'))
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) fail('no test file matches');
if (!existsSync(join(root, 'dist', 'tsoci'))) await build();

const COPIES = '/tmp/tsoci-tested-';
sweepWorkDirectories(COPIES, removeCopy);
const closed = process.env.TSOCI === undefined && !isOpenToOthers(join(root, 'dist'));
const copy = closed ? makeWorkDirectory(COPIES) : undefined;
if (copy) {
  // Tests act as other users, too.
  chmodSync(copy, 0o755);
  process.env.TSOCI = copyExecutable(join(root, 'dist', 'tsoci'), copy);
  process.on('exit', () => removeCopy(copy));
}

if (process.env.TSOCI_TEST_RESIDENT === '1') {
  const again = [join(import.meta.dirname, 'resident.ts'), process.execPath, ...process.argv.slice(1)];
  process.exit(spawnSync(process.execPath, again, { stdio: 'inherit' }).status ?? 1);
}

const outcomes: Outcome[] = [];
const queue = [...files];
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
sweepSandboxes();
const total = sum(outcomes);
for (const { file, output } of outcomes.filter(({ failed }) => failed > 0)) {
  console.log(`\n--- ${file}\n${output}`);
}
if (total.passed + total.failed + total.skipped === 0) fail('no test has that name');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);

async function work(): Promise<void> {
  for (let file = queue.shift(); file; file = queue.shift()) {
    const outcome = await run(file);
    outcomes.push(outcome);
    const { passed, failed, skipped, output } = outcome;
    console.log(
      `${failed > 0 ? 'FAIL' : 'ok  '} ${file}: ${passed} passed, ${failed} failed, ${skipped} skipped`,
    );
    for (const line of output.split('\n')) if (SKIP.test(line)) console.log(`     ${line.trim()}`);
  }
}

function run(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const { name } = values;
    const byName = name === undefined ? [] : ['--import', './scripts/test-by-name.ts'];
    const cold = process.env.TSOCI_TEST_RESIDENT !== undefined && COLD.includes(file);
    const [program = '', ...words] = [...(cold ? away : []), process.execPath, ...byName, file];
    const child = spawn(program, words, {
      cwd: root,
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', TSOCI_TEST_NAME: name },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    const timer = setTimeout(() => killGroup(child), TIMEOUT);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(outcomeOf(relative(root, join(root, file)), output, code, signal));
    });
  });
}

/** uvu's closing lines: Total, Passed, Skipped. A file that ends badly has failed once more. */
function outcomeOf(file: string, output: string, code: number | null, signal: string | null): Outcome {
  const number = (name: string): number =>
    [...output.matchAll(new RegExp(`^\\s*${name}:\\s+(\\d+)`, 'gm'))].reduce(
      (all, match) => all + Number(match[1]),
      0,
    );
  const [total, passed, skipped] = [number('Total'), number('Passed'), number('Skipped')];
  const told = output.split('\n').filter((line) => SKIP.test(line)).length;
  const failed = total - passed;
  const endedBadly = code !== 0 && failed === 0 ? 1 : 0;
  if (signal) output += `\nkilled by ${signal}`;
  // With --name most files have none that is wanted.
  const mustTest = values.name === undefined && told + skipped === 0;
  const empty = code === 0 && total === 0 && mustTest ? 1 : 0;
  if (empty) output += '\nran no test';
  return { file, passed, failed: failed + endedBadly + empty, skipped: skipped + told, output };
}

function removeCopy(directory: string): void {
  rmSync(directory, { recursive: true });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid) process.kill(-pid, 'SIGKILL');
}

function sum(all: readonly Outcome[]): { passed: number; failed: number; skipped: number } {
  return all.reduce(
    (total, { passed, failed, skipped }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

async function build(): Promise<void> {
  const child = spawn(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  if (code !== 0) fail('npm run build failed');
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
