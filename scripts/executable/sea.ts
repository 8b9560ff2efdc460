// Makes a single executable that starts with a heap: https://nodejs.org/api/single-executable-applications.html

import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { node, nodeOptions, strippedNode } from './node.ts';

export interface Sea {
  /** A directory for what is made on the way. */
  work: string;
  /** The script that fills the heap, when the executable is built, and sets the function that it begins with. */
  main: string;
  output: string;
  /** Files, each by the last part of its path. */
  assets?: readonly string[];
  /** Of `main` as it runs now. */
  env?: Readonly<Record<string, string>>;
}

export function buildSea({ work, main, output, assets = [], env }: Sea): void {
  const config = join(work, 'sea.json');
  // Made beside the old executable, which may be running, and then put in its place.
  const next = `${output}.next`;
  const settings = {
    main,
    executable: strippedNode(work),
    output: next,
    disableExperimentalSEAWarning: true,
    useSnapshot: true,
    execArgv: nodeOptions,
    // The caller's NODE_OPTIONS are not meant for us.
    execArgvExtension: 'none',
    assets: Object.fromEntries(assets.map((path) => [basename(path), path])),
  };
  writeFileSync(config, JSON.stringify(settings));
  // Internals: see src/sea. Node warns that it has not tried each of its modules in a snapshot: our tests do.
  const args = [...nodeOptions, '--expose-internals', '--no-warnings', '--build-sea', config];
  const { status, stderr } = spawnSync(node, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`node --build-sea ${config}: status ${status}: ${stderr}`);
  dropCodeCache(next);
  renameSync(next, output);
}

/**
 * A snapshot comes with the bytecode of all modules of Node, which is copied, all 5 MB, at each start, a fifth of its
 * time; the few functions of them that are needed are in the heap. So the list is made empty, where it is: its length,
 * and for each module its name and its bytecode, both with their lengths (src/node_snapshotable.cc of Node).
 */
function dropCodeCache(executable: string): void {
  const image = readFileSync(executable);
  const at = findCodeCache(image);
  if (at === undefined) throw new Error(`${executable}: the bytecode of Node's modules is not where it was`);
  image.fill(0, at, at + LENGTH);
  // Written anew and at once, it lies in the page cache in large pieces: a fifth less time for a start.
  writeFileSync(executable, image);
}

const LENGTH = 8;
const fewestModules = 100;
const longestName = 100;

/** Where the number of modules is. Our assets are such a list too, but have not got Node's module fs. */
function findCodeCache(image: Buffer): number | undefined {
  const length = (at: number) => (image.readUInt32LE(at + 4) === 0 ? image.readUInt32LE(at) : Infinity);
  const isList = (at: number) => {
    let hasFs = false;
    let next = at + LENGTH;
    for (let left = length(at); left > 0; left--) {
      const size = length(next);
      const name = size <= longestName ? image.toString('latin1', next + LENGTH, next + LENGTH + size) : '';
      if (!/^[\w/.-]+$/.test(name)) return false;
      hasFs ||= name === 'fs';
      next += LENGTH + size;
      next += LENGTH + length(next);
      if (next > image.length - LENGTH) return false;
    }
    return hasFs;
  };
  for (let at = image.length - 2 * LENGTH; at >= 0; at--) {
    const count = length(at);
    if (count < fewestModules || count > image.length || length(at + LENGTH) > longestName) continue;
    if (isList(at)) return at;
  }
}
