// Every ready bundle is run as a person runs it, and leaves nothing behind.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundles } from '../../bundles/index.ts';
import { copyExecutable } from '../../scripts/executable/copy.ts';
import { tsociPath } from '../container/harness.ts';

const project = join(import.meta.dirname, '..', '..');
/** Milliseconds that a bundle may take. */
const TIMEOUT = 60_000;
const NOBODY = 65534;
/** Where the bundles are built, so that what is left behind is seen. */
const temporary = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
if (process.geteuid?.() === 0) chownSync(temporary, NOBODY, NOBODY);

/** What the output of each must have. */
const expected: Record<string, readonly RegExp[]> = {
  hello: [
    /^Hello from process 1 on tsoci\./,
    /^ {2}1 sh$/m,
    /pid:\[\d+\], not the host's/,
    /^ {2}\/proc \(proc, /m,
  ],
  shell: [/^in the shell, process 1$/m],
  rootless: [/^In here I am user 0\./, /^ +0 +[1-9]\d* +1$/m],
  limits: [/^memory\.max 67108864$/m, /^cpu\.max 50000 100000$/m, /^pids\.max 20$/m],
  overlay: [
    /^writer: \/ is overlay$/m,
    /^writer: \/etc\/passwd is now: changed$/m,
    /afterwards: root:x:0:0:/,
  ],
  network: [
    /^client has the address 10\.89\.200\.\d+$/m,
    /^server answers: hello .*10\.89\.200\.\d+, I am server$/m,
  ],
  pod: [/^member is process 1 on pod$/m, /^hello from first$/m],
  seccomp: [/^A file can be made\.$/m, /^A directory cannot\.$/m, /^Seccomp:\s+2$/m],
  hooks: [
    /^createRuntime: .*"creating".*\n^createContainer: .*"creating".*\n^startContainer: .*"created"/m,
    /^poststart: .*"running"/m,
    /^poststop: .*"stopped"/m,
  ],
  time: [/ 1000 days\.$/m],
};

/** Lines of standard input. */
const input: Record<string, string> = { shell: 'echo "in the shell, process $$"\n' };

function run(
  script: string,
  name: string,
  args: readonly string[],
  tsoci = tsociPath,
): { stdout: string; stderr: string } {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join(project, script), ...args], {
    encoding: 'utf8',
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
    env: { ...process.env, TSOCI: tsoci, TMPDIR: temporary },
    input: input[name] ?? '',
  });
  if (error) throw error;
  assert.is(status, 0, `${name}: ${stdout}${stderr}`);
  return { stdout, stderr };
}

function leavesNothing(): void {
  assert.equal(readdirSync(temporary), [], 'directories left');
  assert.not.match(readFileSync('/proc/self/mounts', 'utf8'), temporary);
  assert.not.ok(existsSync('/sys/class/net/tsocibundle0'), 'the bridge is left');
}

test('every bundle has a folder, a line in the README and a test', () => {
  const names = Object.keys(bundles).sort();
  const folders = readdirSync(join(project, 'bundles'), { withFileTypes: true });
  assert.equal(
    folders
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(),
    names,
  );
  assert.equal(Object.keys(expected).sort(), names);
  const readme = readFileSync(join(project, 'bundles', 'README.md'), 'utf8');
  for (const name of names) assert.match(readme, new RegExp(`^\\| \\[${name}\\]`, 'm'));
});

for (const [name, patterns] of Object.entries(expected)) {
  test(`bundle ${name}`, () => {
    const { stdout, stderr } = run('scripts/bundle.ts', name, [name]);
    if (stdout.startsWith('skip: ')) {
      // On a line of its own, after uvu's dots.
      console.log(`\n${stdout.trim()}`);
      return;
    }
    for (const pattern of patterns) assert.match(stdout, pattern, stderr);
    leavesNothing();
  });
}

test('rootless, where others are not let in to the tsoci that was built', () => {
  const home = mkdtempSync(join(tmpdir(), 'tsoci-test-')); // mode 0700
  try {
    const { stdout } = run('scripts/bundle.ts', 'rootless', ['rootless'], copyExecutable(tsociPath, home));
    if (stdout.startsWith('skip: ')) return console.log(`\n${stdout.trim()}`);
    for (const pattern of expected.rootless ?? []) assert.match(stdout, pattern);
    leavesNothing();
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('the demo', () => {
  const { stdout } = run('scripts/demo.ts', 'hello', []);
  for (const pattern of expected.hello ?? []) assert.match(stdout, pattern);
  leavesNothing();
});

test('--output writes a bundle that tsoci runs', () => {
  const directory = join(temporary, 'written');
  mkdirSync(directory);
  run('scripts/bundle.ts', 'hello', ['--output', directory, 'hello']);
  const args = ['--root', join(directory, 'state'), 'run', '--bundle', directory, `written-${process.pid}`];
  const { stdout, stderr } = spawnSync(tsociPath, args, {
    encoding: 'utf8',
    timeout: TIMEOUT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  rmSync(directory, { recursive: true });
  assert.match(stdout, /^Hello from process 1/, stderr);
  leavesNothing();
});

test('an unknown name is told, with those there are', () => {
  const args = [join(project, 'scripts', 'bundle.ts'), 'toString'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: TIMEOUT });
  assert.is(status, 1);
  assert.match(stderr, /NAME is one of hello, shell/);
});

test.after(() => rmSync(temporary, { recursive: true, force: true }));
test.run();
