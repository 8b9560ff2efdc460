// TypeScript and Bun in one file: https://bun.com/docs/bundler/executables

import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { root } from '../repository.ts';
import { bunOf, findTarget, type Target } from './target.ts';

/** What the caller's directory holds is not meant for us. */
const loadNothing = ['dotenv', 'bunfig', 'tsconfig', 'package-json'].map(
  (file) => `--no-compile-autoload-${file}`,
);

/** Bytes of source. Below, what is loaded needlessly costs less than one more piece. */
const SMALLEST_CHUNK = 16384;

export interface Program {
  /** A path in the repository. */
  entry: string;
  output: string;
  target: Target;
  /** Names in the source, and the strings that they stand for. */
  define?: Readonly<Record<string, string>>;
}

export function compile({ entry, output, target, define = {} }: Program): void {
  // Made beside the old executable, which may be running, and then put in its place.
  const next = `${output}.next`;
  const words = [
    ...['build', entry, '--outfile', next],
    // process.arch is a constant for the bundler: that of the target.
    ...['--compile', `--target=${target.name}`, `--compile-executable-path=${bunOf(target)}`, ...loadNothing],
    ...['--minify-syntax', '--minify-whitespace', '--bytecode'],
    // Cut by what each import() needs: a command reads the bytecode of no other.
    ...['--format=esm', '--splitting', `--min-chunk-size=${SMALLEST_CHUNK}`],
    ...Object.entries(define).flatMap(([name, value]) => ['--define', `${name}=${JSON.stringify(value)}`]),
  ];
  const bun = bunOf(findTarget());
  const { status, stderr, error } = spawnSync(bun, words, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${bun} ${words.join(' ')}: ${stderr}`);
  // Written anew and at once, it lies in the page cache in large pieces: a twentieth less time for a start.
  const image = readFileSync(next);
  rmSync(next);
  writeFileSync(next, image, { mode: 0o755 });
  renameSync(next, output);
}
