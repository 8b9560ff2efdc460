// src/main.ts and all it imports, cut into pieces by what each dynamic import() needs.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, buildSync, type ImportKind, type Metafile, transformSync } from 'esbuild';
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

/** The commands that engines wait for: what one of them needs is to be few files, and nothing else in them. */
const hot = ['create', 'run', 'start', 'state', 'kill', 'delete', 'exec'];

export interface Pieces {
  /** The scripts that hold them, by file name; the value of each is an object of its pieces. */
  files: ReadonlyMap<string, string>;
  /** The file that each piece is in. The first piece to run is ./main.js. */
  fileOf: Readonly<Record<string, string>>;
}

export function makePieces(): Pieces {
  // Only modules can be cut; src/sea.ts, for V8's code cache, needs scripts.
  const { outputFiles, metafile } = buildSync({
    ...common,
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outdir: 'pieces',
    bundle: true,
    format: 'esm',
    splitting: true,
    write: false,
    metafile: true,
    define: {
      TSOCI_VERSION: JSON.stringify(version()),
      TSOCI_COMMIT: JSON.stringify(commit()),
      // For what runs unbuilt only.
      'import.meta.dirname': '""',
    },
  });
  const group = groupPieces(metafile);
  const members = new Map<string, string[]>();
  const fileOf: Record<string, string> = {};
  for (const { path, text } of outputFiles) {
    const name = `./${basename(path)}`;
    const file = group(basename(path));
    fileOf[name] = file;
    const piece = `${JSON.stringify(name)}:${functionOf(text)}`;
    members.set(file, [...(members.get(file) ?? []), piece]);
  }
  const files = new Map([...members].map(([file, pieces]) => [file, `({${pieces.join(',')}})`]));
  return { files, fileOf };
}

const IMPORT = /\bimport(?:(?:\{([^}]*)\}| ([\w$]+) )from)?("(?:\.\/|node:)[^"]+");/g;
const EXPORT = /export\{([^}]*)\};\s*$/;
const DYNAMIC_IMPORT = /\bimport\(("\.\/[^"]+")\)/g;

/**
 * A module as esbuild writes it, as a function of `require` and `exports`. Values are taken over once: nothing of ours
 * is exported and changed later, and getters for that (esbuild's own way to CommonJS) would have to be made at each start.
 */
function functionOf(module: string): string {
  const body = module
    .replace(IMPORT, (_, names: string | undefined, whole: string | undefined, path: string) => {
      const value = `require(${path});`;
      // The default export of a module of Node is the module.
      if (names === undefined) return whole === undefined ? value : `const ${whole}=${value}`;
      return `const{${names.replaceAll(' as ', ':')}}=${value}`;
    })
    .replace(EXPORT, (_, names: string) => {
      const pairs = names.split(',').map((name) => name.split(' as '));
      return `Object.assign(exports,{${pairs.map(([local, name = local]) => `${name}:${local}`).join(',')}});`;
    })
    .replace(DYNAMIC_IMPORT, '(async()=>require($1))()');
  const text = `function(require,exports){"use strict";${body}}`;
  // What is left of modules is no script.
  transformSync(`(${text})`, { format: 'iife', logLevel: 'silent' });
  return text;
}

/** Which file a piece goes into: with those that the same hot commands need, or into one of its own. */
function groupPieces({ outputs }: Metafile): (piece: string) => string {
  const graph = new Map(Object.entries(outputs).map(([path, output]) => [basename(path), output]));
  const entries = new Map([...graph].map(([name, { entryPoint }]) => [entryPoint, name]));
  const imports = (name: string, kind: ImportKind) =>
    (graph.get(name)?.imports ?? []).filter((one) => one.kind === kind && !one.external);
  const closure = (names: string[], found = new Set<string>()): Set<string> => {
    for (const name of names) {
      if (found.has(name)) continue;
      found.add(name);
      closure(
        imports(name, 'import-statement').map(({ path }) => basename(path)),
        found,
      );
    }
    return found;
  };
  const main = closure(['main.js']);
  const needs = hot.map((command) => {
    const entry = entries.get(`src/cli/${command}.ts`);
    if (entry === undefined) throw new Error(`no piece for src/cli/${command}.ts`);
    const options = [...closure([entry])].filter((name) => !main.has(name));
    // What it loads once its options are understood.
    const loads = options.flatMap((name) =>
      imports(name, 'dynamic-import').map(({ path }) => basename(path)),
    );
    return closure([entry, ...loads]);
  });
  return (piece) => {
    if (main.has(piece)) return 'main.js';
    const users = hot.filter((_, i) => needs[i]?.has(piece));
    return users.length > 0 ? `${users.join('-')}.js` : piece;
  };
}

/** The entry of the executable. */
export function makeEntry(outfile: string, fileOf: Readonly<Record<string, string>>): void {
  buildSync({
    ...common,
    entryPoints: [join(root, 'src', 'sea.ts')],
    outfile,
    bundle: true,
    format: 'cjs',
    define: { TSOCI_FILE_OF: JSON.stringify(fileOf) },
  });
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
