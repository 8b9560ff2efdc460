// The guest's second disk: this repository as it is now, with what its tests need of node_modules, and the
// command to run. Made anew for each run.

import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { files, launcher } from '../../scripts/executable/files.ts';
import { findTarget, nodeOf } from '../../scripts/executable/target.ts';
import { type Architecture, hostArchitecture } from './architecture.ts';
import { makeDisk } from './disk.ts';

const folders = ['package.json', 'src', 'schema', 'bundles', 'conformance', 'bench', 'scripts', 'test'];
const dependencies = ['uvu'];

/** What the guest shall do: a shell script, on pipes or on a terminal of a size (`rows 24 columns 80`). */
export type Order = { script: string; terminal?: string | undefined };

export function makeRepositoryDisk(
  architecture: Architecture,
  root: string,
  work: string,
  order: Order,
): string {
  const tree = join(work, 'repository');
  mkdirSync(tree);
  for (const name of folders) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  linkExecutable(architecture, root, tree);

  for (const name of withDependencies(root, dependencies)) {
    const path = join('node_modules', name);
    cpSync(join(root, path), join(tree, path), { recursive: true });
  }
  link(nodeOf(findTarget(`linux-${architecture}`)), join(tree, 'node_modules/.bin/node'));

  const orders = join(tree, 'build/vm');
  mkdirSync(orders, { recursive: true });
  writeFileSync(join(orders, 'command'), order.script);
  if (order.terminal) writeFileSync(join(orders, 'terminal'), order.terminal);

  const image = join(work, 'repository.img');
  makeDisk(tree, image, '1G');
  return image;
}

/** In the guest it is dist/, whatever machine it was built on. */
function linkExecutable(architecture: Architecture, root: string, tree: string): void {
  const target = architecture === hostArchitecture() ? '' : `linux-${architecture}`;
  const dist = join(root, 'dist', target);
  if (existsSync(join(dist, launcher)))
    for (const file of files) link(join(dist, file), join(tree, 'dist', file));
  else {
    const build = ['npm run build', ...(target ? [`--target ${target}`] : [])].join(' -- ');
    console.error(`${join(dist, launcher)} is missing: ${build}. The guest has runc and crun only.`);
  }
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
