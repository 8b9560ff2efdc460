// Checks which way the imports of src/ go, those of types and import() included: from a layer down to those below it, and
// in no circle, neither of folders nor of files. Exits 1 with a line for each that does not.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** The folders of src/, and the files beside them, from the top down. */
const LAYERS: readonly (readonly string[])[] = [
  ['library'],
  ['main.ts'],
  ['cli'],
  ['debug'],
  ['plan', 'explain', 'doctor.ts'],
  ['container', 'trace'],
  ['config', 'namespaces', 'rootfs', 'cgroups', 'security', 'network', 'hooks', 'criu'],
  ['stub', 'launcher'],
  ['diagnosis'],
  ['linux'],
];

/**
 * The library drives the executable and is published without the rest. Of src/ it takes what stands here, which takes no more
 * than that.
 */
const LIBRARY_TAKES: readonly string[] = [
  'config/generated/types.ts',
  'config/spec-version.ts',
  'config/spec.ts',
  'config/stringify.ts',
];

/** Who imports whom: names of files, or of folders. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** All that is wrong with the imports below `src`; file names are from there. */
export function findFaults(src: string): string[] {
  const files = readImports(src);
  const faults = [...files].flatMap(([file, imported]) =>
    [...imported].flatMap((other) => layerFault(file, other) ?? libraryFault(file, other) ?? []),
  );
  return [...faults, ...circleFaults('files', files), ...circleFaults('folders', byFolder(files))];
}

function readImports(src: string): Graph {
  const files = globSync('**/*.ts', { cwd: src }).sort();
  return new Map(
    files.map((file) => [file, new Set(importsOf(file, readFileSync(join(src, file), 'utf8')))]),
  );
}

/** Those of other files of src/: `import … from '…'`, `export … from '…'`, `import('…')`. */
function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']*\.ts)'/g);
  return [...found].map(([, path]) => normalize(join(dirname(file), path ?? '')));
}

function layerFault(file: string, other: string): string | undefined {
  const [from, to] = [layerOf(file), layerOf(other)];
  const unknown = from < 0 ? file : to < 0 ? other : undefined;
  if (unknown) return `${unknown} is in no layer: name ${folderOf(unknown)} in scripts/imports.ts`;
  return to < from ? `${file} imports ${other}, which is in a layer above` : undefined;
}

function libraryFault(file: string, other: string): string | undefined {
  const isPublished = (path: string) => folderOf(path) === 'library' || LIBRARY_TAKES.includes(path);
  if (!isPublished(file) || isPublished(other)) return undefined;
  return `${file} imports ${other}, which is not published with the library`;
}

function layerOf(file: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folderOf(file)));
}

/** The folder of src/ that a file is in; a file beside the folders stands for itself. */
function folderOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function byFolder(files: Graph): Graph {
  const folders = new Map<string, Set<string>>();
  for (const [file, imported] of files) {
    const folder = folderOf(file);
    const others = [...imported].map(folderOf).filter((other) => other !== folder);
    folders.set(folder, new Set([...(folders.get(folder) ?? []), ...others]));
  }
  return folders;
}

function circleFaults(what: string, graph: Graph): string[] {
  return findCircles(graph).map((circle) => `a circle of ${what}: ${circle.join(' → ')}`);
}

/** Each circle that a walk in depth comes upon, from its first member back to it. */
function findCircles(graph: Graph): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (node: string): void => {
    const at = path.indexOf(node);
    if (at >= 0) circles.push([...path.slice(at), node]);
    if (at >= 0 || done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) walk(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) walk(node);
  return circles;
}

if (import.meta.main) {
  const faults = findFaults(join(import.meta.dirname, '..', 'src'));
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
