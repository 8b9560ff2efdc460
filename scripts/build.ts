// Builds dist/tsoci: Node with src/ in it, compiled, and koffi. See src/sea.ts.

import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, nodeOptions, root, strippedNode } from './executable/node.ts';
import { makeEntry, makePieces } from './executable/pieces.ts';

const work = join(root, 'build');
const pieces = join(work, 'pieces');
const executable = join(root, 'dist', 'tsoci');

rmSync(pieces, { recursive: true, force: true });
mkdirSync(pieces, { recursive: true });
mkdirSync(join(root, 'dist'), { recursive: true });

const { files, fileOf } = makePieces();
for (const [name, script] of files) writeFileSync(join(pieces, name), script);
const base = strippedNode(work);
const paths = [...files.keys()].map((name) => join(pieces, name));
run(base, ...nodeOptions, join(import.meta.dirname, 'executable', 'code-cache.ts'), ...paths);
const entry = join(work, 'sea.cjs');
makeEntry(entry, fileOf);
makeExecutable(entry, base, [...files.keys()]);
console.log(`${executable}: ${files.size} files of code, ${(statSync(executable).size / 1e6).toFixed(0)} MB`);

/** https://nodejs.org/api/single-executable-applications.html */
function makeExecutable(main: string, embedded: string, assets: readonly string[]): void {
  const koffi = join(root, 'node_modules', '@koromix', `koffi-linux-${process.arch}`);
  const files = assets.flatMap((name) => [name, `${name}.cache`]);
  const config = join(work, 'sea.json');
  // Made beside the old executable, which may be running, and then put in its place.
  const output = `${executable}.next`;
  const settings = {
    main,
    executable: embedded,
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgv: nodeOptions,
    // The caller's NODE_OPTIONS are not meant for us.
    execArgvExtension: 'none',
    assets: {
      'koffi.node': join(koffi, `linux_${process.arch}`, 'koffi.node'),
      ...Object.fromEntries(files.map((name) => [name, join(pieces, name)])),
    },
  };
  writeFileSync(config, JSON.stringify(settings));
  run(node, '--build-sea', config);
  renameSync(output, executable);
}

function run(command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}`);
}
