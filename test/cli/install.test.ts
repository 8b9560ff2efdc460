// npm run install:system into a directory of its own.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commandNames } from '../../src/cli/command-table.ts';
import { executable } from './program.ts';

const test = suite('cli: install');
const script = join(import.meta.dirname, '..', '..', 'scripts', 'install.ts');

test('the executable, completions and man pages are put under PREFIX in DESTDIR', () => {
  if (!existsSync(executable)) return console.log('skip: there is no dist/tsoci');
  const directory = mkdtempSync(join(tmpdir(), 'install-'));
  try {
    const env = { ...process.env, DESTDIR: directory, PREFIX: '/opt/tsoci' };
    const { status, stderr } = spawnSync(process.execPath, [script], {
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal([status, stderr], [0, '']);
    const prefix = join(directory, 'opt', 'tsoci');
    const installed = globSync('**/*', { cwd: prefix }).filter((path) =>
      statSync(join(prefix, path)).isFile(),
    );
    assert.equal(
      installed.sort(),
      [
        'bin/tsoci',
        'libexec/tsoci/tsoci-runtime',
        'libexec/tsoci/tsoci.node',
        'lib/systemd/system/tsoci.service',
        'lib/systemd/system/tsoci.socket',
        'share/bash-completion/completions/tsoci',
        'share/fish/vendor_completions.d/tsoci.fish',
        ...['tsoci', ...commandNames.map((name) => `tsoci-${name}`)].map(
          (name) => `share/man/man8/${name}.8`,
        ),
        'share/zsh/site-functions/_tsoci',
      ].sort(),
    );
    const modes = installed.map((path) => statSync(join(prefix, path)).mode & 0o777);
    assert.equal(new Set(modes), new Set([0o755, 0o644]));
    const { stdout } = spawnSync(join(prefix, 'bin', 'tsoci'), ['-v'], { encoding: 'utf8', timeout: 60_000 });
    assert.match(stdout, /^tsoci version /);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
