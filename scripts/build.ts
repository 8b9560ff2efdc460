// Builds dist/tsoci: Node with src/ in it, compiled, and koffi. See src/sea/entry.ts.

import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './executable/node.ts';
import { makeEntry, makePieces } from './executable/pieces.ts';
import { buildSea } from './executable/sea.ts';

const work = join(root, 'build');
const pieces = join(work, 'pieces');
const executable = join(root, 'dist', 'tsoci');

rmSync(pieces, { recursive: true, force: true });
mkdirSync(pieces, { recursive: true });
mkdirSync(join(root, 'dist'), { recursive: true });

const { rehearsal, hot, cold } = makePieces();
const paths = [...cold].map(([name, script]) => {
  const path = join(pieces, name);
  writeFileSync(path, script);
  return path;
});
writeFileSync(join(work, 'rehearsal.js'), rehearsal);
writeFileSync(join(work, 'hot.js'), hot);
const main = join(work, 'sea.cjs');
makeEntry(main);
const koffi = join(root, 'node_modules', '@koromix', `koffi-linux-${process.arch}`);
buildSea({
  work,
  main,
  output: executable,
  env: { TSOCI_BUILD: work },
  assets: [join(koffi, `linux_${process.arch}`, 'koffi.node'), ...paths],
});
console.log(`${executable}: ${(statSync(executable).size / 1e6).toFixed(0)} MB`);
