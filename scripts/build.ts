// Builds dist/, or --output: the launcher, which is tsoci, its runtime, and the addon, which that loads.
//
//   npm run build -- [--target linux-arm64|linux-x64-musl|…] [--output DIRECTORY]

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compile } from './executable/compile.ts';
import { addon, launcher, launcherImage, runtime } from './executable/files.ts';
import { findTarget } from './executable/target.ts';
import { commit, root, version } from './repository.ts';

const { values } = parseArgs({ options: { target: { type: 'string' }, output: { type: 'string' } } });
const target = findTarget(values.target);
// Those for other machines are not in the way of what is tested here.
const output = resolve(root, values.output ?? join('dist', values.target ?? ''));

mkdirSync(output, { recursive: true });
compile({
  entry: 'src/main.ts',
  output: join(output, runtime),
  target,
  define: { TSOCI_VERSION: version(), TSOCI_COMMIT: commit() },
});
put(addon, (path) => writeFileSync(path, readFileSync(join(root, 'src/linux/addon', `${target.cpu}.node`))));
put(launcher, (path) => writeFileSync(path, launcherImage(target.cpu), { mode: 0o755 }));
console.log(`${join(output, launcher)}: ${(statSync(join(output, runtime)).size / 1e6).toFixed(0)} MB`);

/** Replaces a file that may be in use. */
function put(name: string, write: (path: string) => void): void {
  const path = join(output, name);
  rmSync(`${path}.next`, { force: true });
  write(`${path}.next`);
  renameSync(`${path}.next`, path);
}
