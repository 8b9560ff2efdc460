// npm run install:system and uninstall:system, in a directory of their own.

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { templates } from '../../scripts/packaging/contents.ts';
import { installFiles, readInstalled, removeFiles } from '../../scripts/packaging/place.ts';
import { commandNames } from '../../src/cli/command-table.ts';
import { executable } from './program.ts';

const test = suite<{ directory: string }>('cli: install');
test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'install-'));
});
test.after.each(({ directory }) => rmSync(directory, { recursive: true }));

function script(name: string, environment: Readonly<Record<string, string>>) {
  return spawnSync(process.execPath, [join(import.meta.dirname, '..', '..', 'scripts', name)], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    timeout: 60_000,
  });
}

function filesBelow(directory: string): string[] {
  return globSync('**/*', { cwd: directory })
    .filter((path) => statSync(join(directory, path)).isFile())
    .sort();
}

const file = (path: string, content = path) => ({ path, mode: 0o644 as const, content });

test('what is installed under PREFIX in DESTDIR goes without a trace, and nothing else does', ({
  directory,
}) => {
  if (!existsSync(executable)) return console.log('skip: there is no dist/tsoci');
  const place = { DESTDIR: directory, PREFIX: '/opt/tsoci' };
  const { status, stderr } = script('install.ts', place);
  assert.equal([status, stderr], [0, '']);
  const prefix = join(directory, 'opt', 'tsoci');
  const installed = filesBelow(prefix);
  assert.equal(
    installed,
    [
      'bin/tsoci',
      'libexec/tsoci/installed',
      'libexec/tsoci/tsoci-runtime',
      'libexec/tsoci/tsoci.node',
      'lib/systemd/system/tsoci.service',
      'lib/systemd/system/tsoci.socket',
      'share/bash-completion/completions/tsoci',
      'share/doc/tsoci/README',
      'share/doc/tsoci/copyright',
      ...templates('examples', 'share/doc/tsoci/examples', '').map(({ path }) => path),
      'share/fish/vendor_completions.d/tsoci.fish',
      ...['tsoci', ...commandNames.map((name) => `tsoci-${name}`)].map((name) => `share/man/man8/${name}.8`),
      'share/zsh/site-functions/_tsoci',
    ].sort(),
  );
  const modes = installed.map((path) => statSync(join(prefix, path)).mode & 0o777);
  assert.equal(new Set(modes), new Set([0o755, 0o644]));
  const { stdout } = spawnSync(join(prefix, 'bin', 'tsoci'), ['-v'], { encoding: 'utf8', timeout: 60_000 });
  assert.match(stdout, /^tsoci version /);
  const unit = readFileSync(join(prefix, 'lib/systemd/system/tsoci.service'), 'utf8');
  assert.match(unit, /^ExecStart=\/opt\/tsoci\/bin\/tsoci serve /m);

  writeFileSync(join(prefix, 'bin', 'other'), '');
  const removed = script('uninstall.ts', place);
  assert.equal([removed.status, removed.stderr], [0, '']);
  assert.equal(globSync('**/*', { cwd: prefix }).sort(), ['bin', 'bin/other']);
  const again = script('uninstall.ts', place);
  assert.is(again.status, 1);
  assert.match(again.stderr, new RegExp(`has installed nothing below ${prefix}`));
});

test('uninstall tells of containers that go on', ({ directory }) => {
  const list = JSON.stringify([
    { id: 'web', status: 'running' },
    { id: 'old', status: 'stopped' },
  ]);
  installFiles(directory, [
    {
      path: 'bin/tsoci',
      mode: 0o755,
      content: `#!/bin/sh\n[ "$*" = "list --format json" ] && echo '${list}'\n`,
    },
  ]);
  const { status, stderr } = script('uninstall.ts', { DESTDIR: '', PREFIX: directory });
  assert.is(status, 0);
  assert.match(stderr, /^warning: containers go on .*: web\n$/);
  assert.equal(globSync('**/*', { cwd: directory }), []);
});

test('a later installation takes away what it has no more, and both go as one', ({ directory }) => {
  mkdirSync(join(directory, 'share'));
  installFiles(directory, [file('bin/tsoci', 'old'), file('share/tsoci/old'), file('lib/kept')]);
  installFiles(directory, [file('bin/tsoci', 'new'), file('lib/kept'), file('share/new/page')]);
  assert.is(readFileSync(join(directory, 'bin/tsoci'), 'utf8'), 'new');
  assert.equal(filesBelow(directory), ['bin/tsoci', 'lib/kept', 'libexec/tsoci/installed', 'share/new/page']);
  removeFiles(directory, readInstalled(directory) ?? []);
  assert.equal(globSync('**/*', { cwd: directory }), ['share']);
});

test('an installation that is broken off can be removed', ({ directory }) => {
  const unreadable = {
    ...file('lib/last'),
    get content(): string {
      throw new Error('no space');
    },
  };
  assert.throws(() => installFiles(directory, [file('bin/tsoci'), unreadable]), /no space/);
  assert.ok(existsSync(join(directory, 'bin/tsoci')));
  writeFileSync(join(directory, 'bin/tsoci.next'), 'half');
  removeFiles(directory, readInstalled(directory) ?? []);
  assert.equal(globSync('**/*', { cwd: directory }), []);
});

test.run();
