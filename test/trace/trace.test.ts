// `tsoci --trace`: what is shown, in which form, and what becomes of it when the command is killed.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseFilter } from '../../src/trace/filter.ts';
import { namesFile } from '../../src/trace/start-trace.ts';
import { comes, start, status } from '../container/foreground.ts';
import { eventually, Sandbox, tsociPath } from '../container/harness.ts';
import { Pseudoterminal } from '../container/pseudoterminal.ts';

const test = suite('trace');
const box = new Sandbox();
const file = join(box.directory, 'trace.json');

interface Event {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur: number;
  cat?: string;
  args?: { name?: string; calls?: string[]; properties?: string[] };
}

function events(): Event[] {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Of each track by its name, what is drawn on it. */
function tracks(all: readonly Event[]): Map<string, Event[]> {
  const names = all.filter(({ name }) => name === 'thread_name');
  const slicesOf = (tid: number) => all.filter((event) => event.ph === 'X' && event.tid === tid);
  return new Map(names.map(({ tid, args }) => [args?.name ?? '', slicesOf(tid)]));
}

/** Lines of a trace to a pipe. */
function traced(...args: string[]): string[] {
  const { status, stderr } = box.tsoci(...args, 'run', box.id());
  assert.is(status, 0, stderr);
  return stderr.trimEnd().split('\n');
}

function propertiesIn(lines: readonly string[]): Set<string | undefined> {
  return new Set(lines.map((line) => / {2}# (\S+)/.exec(line)?.[1]?.replace(/\[.*/, '')));
}

test('lines have the time in front, and the capabilities that are dropped are one line', () => {
  box.configure('true');
  const lines = traced('--trace');
  const times = lines.map((line) => Number(/^([\d.]+) ms \w+ \d+: /.exec(line)?.[1]));
  assert.equal(
    times.toSorted((a, b) => a - b),
    times,
  );
  const dropped = lines.filter((line) => line.includes('PR_CAPBSET_DROP'));
  assert.is(dropped.length, 1, dropped.join('\n'));
  assert.match(
    dropped[0] ?? '',
    /prctl\(PR_CAPBSET_DROP, CAP_CHOWN\|CAP_DAC_OVERRIDE\|[A-Z_|0-9]+, 0, 0, 0\) = \S+ {2}# process\.capabilities$/,
  );
});

test('a filter lets through properties, rooms, processes and calls', () => {
  box.configure('true');
  const mounts = traced('--trace=mounts');
  assert.equal([...propertiesIn(mounts)], ['mounts']);
  assert.equal([...propertiesIn(traced('--trace=mounts[1]'))], ['mounts']);
  assert.ok(traced('--trace=mounts[1]').every((line) => line.includes('# mounts[1]')));
  assert.equal([...propertiesIn(traced('--trace=noNewPrivileges'))], ['process.noNewPrivileges']);
  assert.equal([...propertiesIn(traced('--trace=maskedPaths,hostname'))].sort(), [
    'hostname',
    'linux.maskedPaths',
  ]);
  const rootfs = propertiesIn(traced('--trace=rootfs'));
  assert.ok(rootfs.has('root.path') && rootfs.has('mounts') && rootfs.has('linux.readonlyPaths'));
  assert.not.ok(rootfs.has('process.capabilities'));
  assert.ok(traced('--trace=boot').every((line) => /ms boot \d+: /.test(line)));
  assert.ok(traced('--trace=pivot_root', '--trace=execve').every((line) => /pivot_root|execve/.test(line)));
  const { stdout } = box.tsoci('plan', '--only', 'hostname', box.bundle);
  assert.is(stdout, 'init: sethostname("tsoci", 5) = 0  # hostname\n');
});

test('a word of a filter that is nothing is an error with all that is known, and nothing is made', () => {
  const { status, stdout, stderr } = box.tsoci('--trace=montns', 'run', box.id());
  assert.is(status, 1);
  assert.is(stdout, '');
  assert.match(
    stderr,
    /^tsoci: option --trace: no call is of "montns"; did you mean mounts\? known are the /,
  );
  for (const known of ['namespaces', 'hook', 'linux.seccomp', 'fsconfig']) assert.match(stderr, known);
  assert.match(box.tsoci('plan', '--only', 'x', box.bundle).stderr, /option --only: no call is of "x"/);
});

test('the call that fails is shown whatever the filter', () => {
  box.configure('true', ({ mounts }) => {
    mounts?.push({ destination: '/x', type: 'tmpfs', source: 'tmpfs', options: ['nonsense=1'] });
  });
  const { stderr } = box.tsoci('--trace=hostname', 'run', box.id());
  assert.match(stderr, /fsconfig\(\d+, FSCONFIG_SET_STRING, "nonsense", "1", 0\) = -1 EINVAL/);
  assert.not.match(stderr, /# mounts\[0\]/);
});

test('parts of names, and names of keys, are not taken for files or other properties', () => {
  const all = (word: string) => {
    const filter = parseFilter('--trace', [word]);
    return [
      'linux.seccomp',
      'linux.sysctl["net/ipv4/x"]',
      'mounts[1]',
      'mounts[10]',
      'mounts[1].options',
    ].filter((property) => filter({ role: 'init' }, { ...operation, property }));
  };
  const operation = {
    call: 'getpid',
    args: [],
    doing: '',
    control: 0,
    ignored: [],
    opens: undefined,
    closes: undefined,
  } as const;
  assert.equal(all('seccomp'), ['linux.seccomp']);
  assert.equal(all('linux'), ['linux.seccomp', 'linux.sysctl["net/ipv4/x"]']);
  assert.equal(all('mounts[1]'), ['mounts[1]', 'mounts[1].options']);
  assert.equal(all('linux.sysctl["net/ipv4/x"]'), ['linux.sysctl["net/ipv4/x"]']);
  assert.throws(() => parseFilter('--trace', ['linux.secc']), /did you mean/);
  assert.equal(['mounts', './mounts', 'trace.json', '/tmp/x', 'linux.sysctl["net/x"]'].map(namesFile), [
    false,
    true,
    true,
    true,
    false,
  ]);
});

test('trace events: whole JSON with a track for the runtime, boot, init and hooks', () => {
  box.configure('true', (config) => {
    config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '0.1'] }] };
  });
  const id = box.id();
  const { status, stderr } = box.tsoci(`--trace=${file}`, 'run', id);
  assert.is(status, 0);
  assert.is(stderr, '', 'nothing but the file');
  const all = events();
  const found = tracks(all);
  assert.equal([...found.keys()].sort(), ['boot', 'hooks', 'init', 'runtime']);
  const whole = found.get('runtime')?.find(({ name }) => name === `tsoci run ${id}`);
  const last = found.get('runtime')?.find(({ name }) => /^remove \/.*state/.test(name));
  assert.ok(whole && last);
  for (const { name, ts, dur } of all.filter(({ ph }) => ph === 'X')) {
    assert.ok(Number.isInteger(ts) && dur > 0, name);
    assert.ok(ts >= whole.ts && ts + dur <= whole.ts + whole.dur + 2, `${name} is within the command`);
  }
  const hook = found.get('hooks')?.find(({ name }) => name === 'execute /bin/sleep');
  assert.ok(hook);
  assert.ok(
    found.get('hooks')?.some(({ name, dur }) => name === 'execute /bin/sleep' && dur > 90_000),
    'a hook lasts until its end',
  );
  const mounting = found.get('init')?.find(({ cat }) => cat?.includes('mounts[1]'));
  assert.match(mounting?.name ?? '', /, and \d+ more$/);
  assert.ok(mounting?.args?.calls?.some((call) => call.startsWith('mount("tmpfs", "."')));
});

test('trace events of commands one after another are in one file; another file is not written over', () => {
  rmSync(file);
  box.configure('true');
  const id = box.id();
  for (const command of ['create', 'start', 'delete'])
    assert.is(box.detached(`--trace=${file}`, command, ...(command === 'delete' ? ['--force'] : []), id), 0);
  const names = events()
    .filter(({ name }) => name === 'process_name')
    .map(({ args }) => args?.name);
  assert.equal(
    names,
    ['create', 'start', 'delete'].map((command) => `tsoci ${command} ${id}`),
  );
  const other = join(box.directory, 'other.json');
  writeFileSync(other, '{"mine": true}\n');
  const refused = box.tsoci(`--trace=${other}`, 'run', box.id());
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /other\.json: it is there already, and no trace of tsoci/);
  assert.is(readFileSync(other, 'utf8'), '{"mine": true}\n');
  assert.match(
    box.tsoci('--trace=./a.json', '--trace=./b', 'run', box.id()).stderr,
    /both \.\/a\.json and \.\/b/,
  );
});

test('trace events are whole JSON when create fails, and when tsoci is killed', () => {
  rmSync(file);
  box.configure('true', ({ mounts }) => {
    mounts?.push({ destination: '/x', type: 'tmpfs', source: 'tmpfs', options: ['nonsense=1'] });
  });
  assert.is(box.tsoci(`--trace=${file}`, 'create', box.id()).status, 1);
  const failed = tracks(events()).get('init') ?? [];
  assert.ok(failed.some(({ args }) => args?.calls?.at(-1)?.includes('-1 EINVAL')));
  rmSync(file);
  const mark = join(box.directory, 'mark');
  box.configure('true', (config) => {
    const args = ['sh', '-c', `touch ${mark}; while test -e ${mark}; do sleep 0.05; done`];
    config.hooks = { createRuntime: [{ path: '/bin/sh', args }] };
  });
  const id = box.id();
  const options = { cwd: box.bundle, stdio: 'ignore' } as const;
  const words = [tsociPath, '--root', box.root, `--trace=${file}`, 'create', id];
  // From another mount namespace nobody is served: the runtime is the launcher's own.
  const child = spawn('unshare', ['--mount', '--propagation', 'unchanged', ...words], options);
  eventually('the hook runs', () => existsSync(mark));
  // The runtime is not the launcher, which is what a person kills: it dies without a word.
  const runtime = childOf(child.pid ?? 0);
  assert.ok(runtime > 0);
  process.kill(runtime, 'SIGKILL');
  eventually('the launcher has ended', () => childOf(child.pid ?? 0) === 0);
  assert.ok(tracks(events()).get('init')?.length);
  rmSync(mark);
  box.tsoci('delete', '--force', id);
});

/** The runtime that a launcher has executed; 0 once there is none. */
function childOf(launcher: number): number {
  try {
    const children = readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'latin1').trim().split(' ');
    return (
      children
        .map(Number)
        .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('runtime')) ?? 0
    );
  } catch {
    return 0;
  }
}

for (const [what, columns, env, colour] of [
  ['80 columns', 80, {}, true],
  ['a terminal that does not know its width', 0, {}, true],
  ['NO_COLOR', 60, { NO_COLOR: '1' }, false],
  ['a dumb terminal', 100, { TERM: 'dumb' }, false],
] as const) {
  test(`on a terminal each call is one row: ${what}`, async () => {
    box.configure('true');
    const terminal = new Pseudoterminal();
    try {
      terminal.resize(25, columns);
      const { NO_COLOR: _, ...environment } = process.env;
      const child = spawn(tsociPath, ['--root', box.root, '--trace', 'run', box.id()], {
        cwd: box.bundle,
        env: { ...environment, TERM: 'xterm', ...env },
        stdio: ['ignore', 'ignore', terminal.slave],
      });
      assert.is(await status(child), 0);
      await comes('execve', () => terminal.shown.includes('process.args'));
      assert.is(terminal.shown.includes('\x1b['), colour);
      const rows = plain(terminal.shown).trimEnd().split('\r\n');
      for (const row of rows) assert.ok(row.length <= (columns || 80), `${row.length}: ${row}`);
      assert.ok(rows.some((row) => row.includes('…')));
      // What it is for is seen however long the call is.
      const masked = rows.filter((row) => /# [\w.…]+Paths\[\d+\]/.test(row));
      assert.ok(masked.length > 10 && masked.every((row) => /\) = \S/.test(row)));
    } finally {
      terminal.close();
    }
  });
}

function plain(shown: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  return shown.replace(/\x1b\[\d+m/g, '');
}

test('long work is shown on a terminal, taken away again, and nowhere else', async () => {
  const many = join(box.rootfs, 'many');
  box.configure('true', ({ mounts }) => {
    mounts?.push({ destination: '/many', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] });
  });
  // Work is shown when it has lasted for 400 ms: how many files that takes is up to the machine.
  for (let i = 0, took = 0; took < 1200; i++) {
    mkdirSync(join(many, String(i)), { recursive: true });
    for (let k = 0; k < 3000; k++) writeFileSync(join(many, String(i), String(k)), '');
    const begun = performance.now();
    assert.is(box.tsoci('run', box.id()).stderr, '');
    took = performance.now() - begun;
  }
  const terminal = new Pseudoterminal();
  try {
    terminal.resize(25, 50);
    const child = start(box, ['ignore', terminal.slave, terminal.slave], 'run', box.id());
    assert.is(await status(child), 0);
    await comes('the end', () => terminal.shown.endsWith('\x1b[K'));
    const texts = terminal.shown.split('\r\x1b[K');
    assert.ok(texts.some((text) => /^tsoci: copy \/many up into its tmpfs: \d+ files/.test(text)));
    for (const text of texts) assert.ok(text.length < 50, text);
  } finally {
    terminal.close();
  }
  rmSync(many, { recursive: true });
});

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
  box.close();
});

test.run();
