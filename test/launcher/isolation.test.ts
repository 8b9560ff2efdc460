// What a caller could have the runtime's engine execute or read, by its environment and by files: nothing, and no answer
// of tsoci changes.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

const test = suite('isolation');
const box = new Sandbox();
box.configure('echo ran; env');

/** Where poison leaves a mark when it is executed. */
const marks = join(box.directory, 'marks');
mkdirSync(marks);
const poison = join(box.directory, 'poison');
mkdirSync(poison);
const script = join(poison, 'evil.cjs');
writeFileSync(script, `require('node:fs').writeFileSync('${marks}/' + process.pid, '')`);
/** No shared object: whoever tries to load it says so. */
const library = join(poison, 'evil.so');
writeFileSync(library, 'no library');

interface Answer {
  status: number | null;
  stdout: string;
  stderr: string;
}

function answer(args: readonly string[], env: NodeJS.ProcessEnv, cwd = box.bundle): Answer {
  const options = { encoding: 'utf8', timeout: TIMEOUT, env, cwd } as const;
  const { status, stdout, stderr } = spawnSync(tsociPath, args, options);
  return { status, stdout, stderr };
}

/** The answers of commands, to compare; run has the whole way of a container behind it. */
function answers(env: NodeJS.ProcessEnv, cwd?: string): Answer[] {
  const run = ['--root', box.root, 'run', '--bundle', box.bundle, box.id()];
  return [['features'], ['validate', box.bundle], run].map((args) => answer(args, env, cwd));
}

const clean = answers({});

test('nothing is needed: no environment, no HOME', () => {
  assert.equal(
    clean.map(({ status }) => status),
    [0, 0, 0],
  );
  assert.match(clean[2]?.stdout ?? '', /^ran\n/);
});

test('the poison bites where there is no launcher', () => {
  const runtime = join(tsociPath, '../tsoci-runtime');
  for (const env of [{ BUN_OPTIONS: `--preload=${script}` }, { BUN_BE_BUN: '1' }]) {
    spawnSync(runtime, [script], { env, stdio: 'ignore', timeout: TIMEOUT });
    assert.ok(readdirSync(marks).length > 0, JSON.stringify(env));
    for (const mark of readdirSync(marks)) rmSync(join(marks, mark));
  }
});

const cache = join(poison, 'cache');
const openssl = join(poison, 'openssl.cnf');
writeFileSync(
  openssl,
  `openssl_conf = a\n[a]\nengines = b\nproviders = b\n[b]\nevil = c\n[c]\ndynamic_path = ${library}\nmodule = ${library}\nactivate = 1\n`,
);
const variables: Record<string, string> = {
  NODE_OPTIONS: `--require=${script}`,
  NODE_PATH: poison,
  NODE_DEBUG: '*',
  NODE_EXTRA_CA_CERTS: '/does/not/exist',
  NODE_V8_COVERAGE: cache,
  NODE_REDIRECT_WARNINGS: join(cache, 'warnings'),
  NODE_PENDING_DEPRECATION: '1',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  BUN_OPTIONS: `--preload=${script}`,
  BUN_BE_BUN: '1',
  BUN_INSPECT: 'ws://127.0.0.1:0/',
  BUN_INSPECT_NOTIFY: 'unix:///does/not/exist',
  BUN_INSPECT_CONNECT_TO: 'unix:///does/not/exist',
  BUN_INSPECT_PRELOAD: script,
  BUN_CONFIG_VERBOSE_FETCH: 'curl',
  BUN_RUNTIME_TRANSPILER_CACHE_PATH: cache,
  BUN_DEBUG: join(cache, 'debug'),
  BUN_DEBUG_QUIET_LOGS: '0',
  BUN_GARBAGE_COLLECTOR_LEVEL: '2',
  BUN_JSC_dumpOptions: '2',
  BUN_JSC_validateOptions: 'true',
  JSC_dumpOptions: '2',
  JSC_useJIT: 'nonsense',
  OPENSSL_CONF: openssl,
  OPENSSL_MODULES: poison,
  SSL_CERT_FILE: '/does/not/exist',
  SSL_CERT_DIR: '/does/not/exist',
  LD_LIBRARY_PATH: poison,
  LD_PRELOAD: library,
  LD_AUDIT: library,
  LD_DEBUG: 'all',
  GLIBC_TUNABLES: 'glibc.malloc.check=3',
  GCONV_PATH: poison,
  MALLOC_PERTURB_: '85',
  TMPDIR: '/does/not/exist',
  HOME: '/does/not/exist',
  PATH: '/does/not/exist',
  DO_NOT_TRACK: '0',
  FORCE_COLOR: '3',
  TZ: 'Asia/Kathmandu',
  LANG: 'xx_XX.UTF-8',
};
for (const name of ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'libseccomp.so.2'])
  writeFileSync(join(poison, name), 'no library');

for (const [name, value] of Object.entries(variables)) {
  test(`${name} changes nothing`, () => {
    mkdirSync(cache, { recursive: true });
    assert.equal(answer(['features'], { [name]: value }), clean[0]);
    assert.equal(readdirSync(marks), []);
    assert.equal(readdirSync(cache), []);
  });
}

test('all of them together change nothing', () => {
  assert.equal(answers(variables), clean);
  assert.equal(readdirSync(marks), []);
  assert.equal(readdirSync(cache), []);
});

/** Files that engines look for, each of which would have `script` executed, or fails to load. */
function poisonDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const files = {
    '.env': 'BUN_OPTIONS=--preload=./evil.cjs\nXDG_RUNTIME_DIR=/nowhere\n',
    '.env.local': 'NODE_OPTIONS=--require=./evil.cjs\n',
    '.env.production': 'NODE_OPTIONS=--require=./evil.cjs\n',
    'bunfig.toml': 'preload = ["./evil.cjs"]\nlogLevel = "debug"\n',
    '.bunfig.toml': 'preload = ["./evil.cjs"]\n',
    'package.json': '{"type": "nonsense", "imports": {"#*": "./evil.cjs"}, "main": "evil.cjs"}',
    'tsconfig.json': '{"compilerOptions": {"paths": {"*": ["./evil.cjs"]}, "jsx": "nonsense"}}',
    'jsconfig.json': '{"compilerOptions": {"paths": {"*": ["./evil.cjs"]}}}',
    'evil.cjs': `require('node:fs').writeFileSync('${marks}/' + process.pid, '')`,
    'addon.node': 'no library',
    'x64.node': 'no library',
    'koffi.node': 'no library',
    'index.js': `require('./evil.cjs')`,
    'main.ts': `require('./evil.cjs')`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  for (const name of ['fs', 'node:fs', 'path', 'koffi', 'bun']) {
    mkdirSync(join(directory, 'node_modules', name), { recursive: true });
    writeFileSync(join(directory, 'node_modules', name, 'index.js'), `require('${directory}/evil.cjs')`);
  }
}

test('files in the working directory, the bundle and HOME change nothing', () => {
  const home = join(box.directory, 'home');
  for (const directory of [box.bundle, home, join(home, '.config'), join(home, '.bun')])
    poisonDirectory(directory);
  for (const cwd of [box.bundle, home]) {
    assert.equal(answers({ HOME: home, XDG_CONFIG_HOME: join(home, '.config') }, cwd), clean);
    assert.equal(readdirSync(marks), []);
  }
});

test('files in / change nothing', () => {
  // The root directory of a mount namespace is replaced by an overlay on it.
  const memory = mkdtempSync('/dev/shm/tsoci-isolation-');
  try {
    const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(memory, name));
    for (const directory of [upper, work, root]) mkdirSync(directory ?? '');
    poisonDirectory(upper ?? '');
    chmodSync(upper ?? '', 0o755);
    const inOverlay = `mount --make-rprivate / &&
      mount -t overlay overlay -o lowerdir=/,upperdir=${upper},workdir=${work} ${root} &&
      for d in /*/; do mount --rbind $d ${root}$d || exit 99; done &&
      exec chroot ${root} "$@"`;
    for (const [i, args] of [['features'], ['validate', box.bundle]].entries()) {
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        ['-m', 'sh', '-c', inOverlay, 'sh', tsociPath, ...args],
        {
          encoding: 'utf8',
          timeout: TIMEOUT,
        },
      );
      assert.equal({ status, stdout, stderr }, clean[i]);
    }
    assert.equal(readdirSync(marks), []);
  } finally {
    rmSync(memory, { recursive: true });
  }
});

test.after(() => box.close());
test.run();
