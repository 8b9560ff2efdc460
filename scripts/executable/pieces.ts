// src/main.ts and all it imports, cut into pieces by what each dynamic import() needs.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, buildSync, transformSync } from 'esbuild';
import { root } from './node.ts';

const common = {
  platform: 'node',
  target: 'node26',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  charset: 'ascii',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** The pieces by their file names, as function expressions for src/sea.ts. The first of them to run is main.js. */
export function makePieces(): Map<string, string> {
  // Only modules can be cut; src/sea.ts, for V8's code cache, needs scripts.
  const { outputFiles } = buildSync({
    ...common,
    entryPoints: [join(root, 'src', 'main.ts')],
    outdir: 'pieces',
    bundle: true,
    format: 'esm',
    splitting: true,
    write: false,
    define: {
      TSOCI_VERSION: JSON.stringify(version()),
      TSOCI_COMMIT: JSON.stringify(commit()),
      // For what runs unbuilt only.
      'import.meta.dirname': '""',
    },
  });
  const pieces = new Map<string, string>();
  for (const { path, text } of outputFiles) {
    const { code } = transformSync(text, {
      ...common,
      format: 'cjs',
      supported: { 'dynamic-import': false },
    });
    pieces.set(basename(path), `(function(require,module,exports){${code}})`);
  }
  return pieces;
}

/** The entry of the executable. */
export function makeEntry(outfile: string): void {
  buildSync({ ...common, entryPoints: [join(root, 'src', 'sea.ts')], outfile, bundle: true, format: 'cjs' });
}

function version(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

/** The commit that is built, marked when the work tree differs from it. */
function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.trim() !== '';
  return `${head.stdout.trim()}${changed ? '-dirty' : ''}`;
}
