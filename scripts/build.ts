// Builds dist/tsoci: src/ bundled into one CommonJS file, made a single executable with Node and koffi in it.

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');
const work = join(root, 'build');
const dist = join(root, 'dist');
const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');

mkdirSync(work, { recursive: true });
mkdirSync(dist, { recursive: true });
const bundle = join(work, 'tsoci.cjs');
bundleSources(bundle);
const executable = join(dist, 'tsoci');
makeExecutable(bundle, strippedNode(), executable);
console.log(`${executable}: ${(statSync(executable).size / 1e6).toFixed(0)} MB`);

function bundleSources(outfile: string): void {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  buildSync({
    entryPoints: [join(root, 'src', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    define: {
      TSOCI_VERSION: JSON.stringify(manifest.version),
      TSOCI_COMMIT: JSON.stringify(commit()),
      // CommonJS has no import.meta.
      'import.meta.dirname': '__dirname',
    },
    logLevel: 'warning',
  });
}

/** The commit that is built, marked when the work tree differs from it. */
function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.trim() !== '';
  return `${head.stdout.trim()}${changed ? '-dirty' : ''}`;
}

/** Node without its symbols: less to copy, less to read from disk at the first start. Kept between builds. */
function strippedNode(): string {
  const stripped = join(work, `node-${process.version}`);
  if (statSync(stripped, { throwIfNoEntry: false })) return stripped;
  const next = `${stripped}.next`;
  copyFileSync(node, next);
  const strip = spawnSync('strip', [next], { encoding: 'utf8' });
  if (strip.status !== 0)
    console.warn(
      `strip (Debian: binutils) did not run, the executable will be larger: ${strip.stderr ?? ''}`,
    );
  renameSync(next, stripped);
  return stripped;
}

/** https://nodejs.org/api/single-executable-applications.html */
function makeExecutable(main: string, embedded: string, output: string): void {
  const koffi = `koffi-linux-${process.arch}`;
  const config = join(work, 'sea.json');
  const next = `${output}.next`;
  writeFileSync(
    config,
    JSON.stringify({
      main,
      executable: embedded,
      output: next,
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      // The caller's NODE_OPTIONS are not meant for us.
      execArgvExtension: 'none',
      assets: {
        'koffi.node': join(root, 'node_modules', '@koromix', koffi, `linux_${process.arch}`, 'koffi.node'),
      },
    }),
  );
  const { status, stdout, stderr } = spawnSync(node, ['--build-sea', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node --build-sea: ${stdout}${stderr}`);
  renameSync(next, output);
}
