// The launcher's image, with a runtime that tells what it was told.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { launcherImages } from '../../src/launcher/images.ts';
import { placeLauncher } from './launcher.ts';

const test = suite('launcher');
const TIMEOUT = 20_000;
const QEMU = '/usr/bin/qemu-aarch64-static';
const host = process.arch === 'arm64' ? 'arm64' : 'x64';
const directory = mkdtempSync(join(tmpdir(), 'tsoci-launcher-'));
test.after(() => rmSync(directory, { recursive: true }));

interface Options {
  architecture?: 'x64' | 'arm64';
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** Runs a launcher whose runtime is echo.ts; `shell` is a command line that executes "$@". */
function launch(options: Options, shell = 'exec "$@"'): SpawnSyncReturns<string> {
  const { architecture = host, args = [], env = {}, cwd = directory } = options;
  const path = placeLauncher(join(directory, architecture), 'echo.ts', architecture);
  const emulator = architecture === host ? [] : [QEMU];
  return spawnSync('/bin/sh', ['-c', shell, 'sh', ...emulator, path, ...args], {
    encoding: 'utf8',
    timeout: TIMEOUT,
    env,
    cwd,
    maxBuffer: 1e8,
  });
}

function told(result: SpawnSyncReturns<string>) {
  assert.is(result.stderr, '');
  assert.is(result.status, 7);
  return JSON.parse(result.stdout);
}

test('it is small', () => {
  for (const image of Object.values(launcherImages)) assert.ok(Buffer.from(image, 'base64').length < 16_384);
});

test('the runtime is told arguments and environment; its own environment is none of the caller', () => {
  const env = { A: '1', EMPTY: '', NODE_OPTIONS: '--no-such-option', 'odd name': 'a=b\nc' };
  const path = placeLauncher(join(directory, host), 'echo.ts', host);
  const options = { encoding: 'utf8', timeout: TIMEOUT, env, cwd: directory } as const;
  const { args, env: seen, runtime } = told(spawnSync(path, ['state', '', 'ü x'], options));
  assert.equal(args, ['state', '', 'ü x']);
  assert.equal(seen, env);
  // PWD is what sh(1) adds.
  assert.equal(runtime.env, { BUN_JSC_useJIT: '0', PWD: '/' });
  assert.is(runtime.cwd, '/');
});

test('neither arguments nor an environment are needed', () => {
  const { args, env } = told(launch({}, 'exec env -i "$1"'));
  assert.equal(args, []);
  assert.equal(env, {});
});

test('a megabyte of arguments arrives', () => {
  const args = Array.from({ length: 16 }, (_, i) => String.fromCharCode(97 + i).repeat(65_000));
  assert.equal(told(launch({ args })).args, args);
});

test('the runtime has no descriptor of the caller but the standard streams', () => {
  const { runtime } = told(launch({}, 'exec 3</etc/passwd 4</etc/passwd 9</etc/passwd; exec "$@"'));
  assert.not.ok(runtime.files.includes('/etc/passwd'), runtime.files.join(' '));
});

// Seen without open_standard_streams: the socket was descriptor 0.
test('standard streams that are closed become /dev/null', () => {
  const result = launch({}, '"$@" <&- >&- 2>&-');
  assert.is(result.status, 7);
  assert.is(result.stdout, '');
  assert.is(told(launch({}, 'exec "$@" <&- 2>&-')).stdio.length, 3);
});

test('a limit of 16 descriptors does', () => {
  told(launch({}, 'ulimit -Sn 16; exec "$@"'));
});

// Seen without: the engine aborted.
test('soft limits of memory and files are not for the runtime', () => {
  const { runtime } = told(launch({}, 'ulimit -Sv 300000; ulimit -Sd 300000; ulimit -Sf 8; exec "$@"'));
  for (const name of ['Max address space', 'Max data size', 'Max file size', 'Max open files'])
    assert.match(runtime.limits, new RegExp(`^${name} +(\\w+) +\\1 `, 'm'));
});

// Seen with SIGCHLD as it was: the launcher waited for a child that the kernel had reaped, and told of exit status 0.
test('a runtime that dies is told of', () => {
  for (const shell of ['exec "$@"', 'trap \'\' CHLD; exec "$@"']) {
    const { status, stderr } = launch({ args: ['die'] }, shell);
    assert.is(stderr, 'tsoci: the runtime has died (exit status 9)\n');
    assert.is(status, 1);
  }
});

test('the runtime lies beside it or in libexec, also when it is called by a link', () => {
  const bin = join(directory, 'installed/bin');
  const path = placeLauncher(bin, 'echo.ts', host);
  const run = () => spawnSync(path, [], { encoding: 'utf8', timeout: TIMEOUT, env: {} });
  const libexec = join(directory, 'installed/libexec/tsoci');
  mkdirSync(libexec, { recursive: true });
  renameSync(join(bin, 'tsoci-runtime'), join(libexec, 'tsoci-runtime'));
  told(run());
  chmodSync(join(libexec, 'tsoci-runtime'), 0o644);
  assert.is(run().stderr, `tsoci: execute ${libexec}/tsoci-runtime: EACCES (Permission denied)\n`);
  rmSync(join(libexec, 'tsoci-runtime'));
  const { stderr, status } = run();
  assert.match(stderr, /^tsoci: execute tsoci-runtime, beside tsoci or in ..\/libexec\/tsoci: ENOENT/);
  assert.is(status, 1);
});

const otherArchitecture = host === 'x64' && existsSync(QEMU) ? test : test.skip;
if (otherArchitecture === test.skip)
  console.log('skip: the launcher on arm64 needs qemu-aarch64-static (Debian: qemu-user-static)');
otherArchitecture('on arm64 it does the same', () => {
  const { args, env } = told(launch({ architecture: 'arm64', args: ['a', 'b'], env: { A: '1' } }));
  assert.equal(args, ['a', 'b']);
  assert.is(env.A, '1');
  assert.match(
    launch({ architecture: 'arm64', args: ['die'] }).stderr,
    /the runtime has died \(exit status 9\)/,
  );
});

test.run();
