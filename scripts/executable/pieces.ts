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

/** The commands that engines wait for. */
const hot = ['create', 'run', 'start', 'state', 'kill', 'delete', 'exec'];
/** What they load for the config of a container. */
const parts = ['src/container/init/seccomp-filter.ts'];
const rehearsal = 'src/sea/rehearsal.ts';

/** Functions by the name of the piece, as the text of a script. */
export interface Pieces {
  /** What the rehearsal needs, in one object. */
  rehearsal: string;
  /** What the hot commands need more, in one object. */
  hot: string;
  /** Each of the others. */
  cold: ReadonlyMap<string, string>;
}

export function makePieces(): Pieces {
  // Only modules can be cut; src/sea/entry.ts takes scripts.
  const { outputFiles, metafile } = buildSync({
    ...common,
    absWorkingDir: root,
    entryPoints: ['src/main.ts', rehearsal],
    outdir: 'pieces',
    entryNames: '[name]',
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
  const pieces = outputFiles.map(({ path, text }) => [basename(path), functionOf(text)] as const);
  const names = loadedPieces(metafile);
  const isCold = (name: string) => !names.rehearsal.has(name) && !names.hot.has(name);
  const script = (wanted: ReadonlySet<string>) => {
    const members = pieces.filter(([name]) => wanted.has(name));
    return `({${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}})`;
  };
  return {
    rehearsal: script(names.rehearsal),
    hot: script(names.hot),
    cold: new Map(pieces.filter(([name]) => isCold(name)).map(([name, text]) => [name, `(${text})`])),
  };
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

/** The names of the pieces that the rehearsal needs, and of those that hot commands need more. */
function loadedPieces({ outputs }: Metafile): Record<'rehearsal' | 'hot', ReadonlySet<string>> {
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
  const entryOf = (source: string) => {
    const entry = entries.get(source);
    if (entry === undefined) throw new Error(`no piece for ${source}`);
    return entry;
  };
  const main = closure(['main.js']);
  const commands = hot.map((command) => entryOf(`src/cli/commands/${command}.ts`));
  // What they load once their options are understood.
  const loads = [...closure(commands)]
    .filter((name) => !main.has(name))
    .flatMap((name) => imports(name, 'dynamic-import').map(({ path }) => basename(path)));
  const rehearsed = closure([entryOf(rehearsal)]);
  const needed = closure(['main.js', ...commands, ...loads, ...parts.map(entryOf)]);
  return { rehearsal: rehearsed, hot: new Set([...needed].filter((name) => !rehearsed.has(name))) };
}

/** The entry of the executable. */
export function makeEntry(outfile: string): void {
  buildSync({
    ...common,
    entryPoints: [join(root, 'src', 'sea', 'entry.ts')],
    outfile,
    bundle: true,
    format: 'cjs',
    external: ['internal/*'],
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
