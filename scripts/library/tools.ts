// The programs that check and document the library, in the versions of tools/package-lock.json. They are installed at their
// first use, below build/.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../repository.ts';

const MANIFESTS = ['package.json', 'package-lock.json'];

/** The directory of packages that these programs are in: node_modules. */
export function toolPackages(): string {
  const source = join(import.meta.dirname, 'tools');
  const hash = createHash('sha256');
  for (const name of MANIFESTS) hash.update(readFileSync(join(source, name)));
  const home = join(root, 'build', `library-tools-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(home)) {
    const next = `${home}.${process.pid}`;
    mkdirSync(next, { recursive: true });
    for (const name of MANIFESTS) copyFileSync(join(source, name), join(next, name));
    const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: next,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw error ?? new Error(`npm ci in ${next}: exit status ${status}`);
    rmSync(home, { recursive: true, force: true });
    renameSync(next, home);
  }
  return join(home, 'node_modules');
}
