// jazzer.js at work on one target: libFuzzer, with the coverage of JavaScript. It takes CommonJS alone, so a target is bundled
// with all that it imports.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { root } from '../../scripts/repository.ts';
import { corpusOf, targetFile } from './corpus.ts';

const directory = join(root, 'build', 'fuzz');
const jazzer = join(createRequire(import.meta.url).resolve('@jazzer.js/core'), '..', 'cli.js');
/** Milliseconds for one input: what takes longer hangs. Properties bound the processor time. */
const HANG = 20_000;
/** MiB. A reader that reserves what an input asks for meets it. */
const MOST_MEMORY = 1024;

export interface Run {
  /** Seconds. */
  seconds: number;
  seed: number;
}

export interface Outcome {
  /** Inputs that were tried. */
  tried: number;
  /** Edges of the program that were reached. */
  coverage: number;
  /** What jazzer has told of a fault. */
  failure: string | undefined;
  /** The input that shows it. */
  input: string | undefined;
}

/** Where what reaches more than the corpus is put. */
export function foundFor(name: string): string {
  return join(directory, 'found', name);
}

export async function fuzzTarget(node: readonly string[], name: string, run: Run): Promise<Outcome> {
  const found = foundFor(name);
  const faults = join(directory, 'faults', name);
  for (const path of [found, faults]) mkdirSync(path, { recursive: true });
  const options = [
    `-max_total_time=${run.seconds}`,
    `-seed=${run.seed}`,
    `-rss_limit_mb=${MOST_MEMORY}`,
    `-artifact_prefix=${faults}/`,
    '-print_final_stats=1',
    // A loaded machine makes any of them slow.
    '-report_slow_units=600',
  ];
  const before = new Set(readdirSync(faults));
  const { output, status } = await jazzerRun(node, name, [found, corpusOf(name)], options);
  const number = (pattern: RegExp) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
  const fault = readdirSync(faults).find((file) => !before.has(file));
  return {
    tried: number(/number_of_executed_units: (\d+)/g) || number(/^#(\d+)\s/gm),
    coverage: number(/\bcov: (\d+)/g),
    failure: status === 0 ? undefined : told(output),
    input: fault && join(faults, fault),
  };
}

async function jazzerRun(
  node: readonly string[],
  name: string,
  corpora: readonly string[],
  options: readonly string[],
): Promise<{ output: string; status: number }> {
  const bundle = await bundled(name);
  const [command = '', ...words] = [
    ...node,
    jazzer,
    bundle,
    ...corpora,
    `--timeout=${HANG}`,
    // A container's files are looked for below its root: paths that lead out of where they begin are meant.
    '--disableBugDetectors=path-traversal',
    '--',
    ...options,
  ];
  const child = spawn(command, words, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  return { output, status: code ?? 1 };
}

/** Files look for others beside them. */
const whereTheyAre: Plugin = {
  name: 'import.meta.dirname',
  setup({ onLoad }) {
    onLoad({ filter: /\/(?:src|scripts|test)\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      return {
        loader: 'ts',
        contents: text.replaceAll('import.meta.dirname', JSON.stringify(dirname(path))),
      };
    });
  },
};

/** A CommonJS file that exports `fuzz`. */
async function bundled(name: string): Promise<string> {
  const outfile = join(directory, `${name}.cjs`);
  const contents = `import { fuzz as target } from ${JSON.stringify(targetFile(name))};
import { bounded } from ${JSON.stringify(join(import.meta.dirname, 'properties.ts'))};
export const fuzz = bounded(target);`;
  await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    sourcemap: 'inline',
    plugins: [whereTheyAre],
    logLevel: 'error',
  });
  return outfile;
}

/** The lines of the exception, without libFuzzer's own. */
function told(output: string): string {
  const start = output.search(/^==\d+==/m);
  return output.slice(Math.max(start, 0)).split('\n').slice(0, 12).join('\n');
}
