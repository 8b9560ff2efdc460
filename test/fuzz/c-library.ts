// jazzer.js comes compiled for a C library (glibc) that Debian 12 has not yet. There Node runs with that of Debian 13, which is
// unpacked, not installed.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/repository.ts';
import { openApt, unpackWithDependencies } from '../vm/apt.ts';
import type { Architecture } from '../vm/architecture.ts';

const NEEDED = 2.38;
const SUITE = 'trixie';
const loaders: Readonly<Record<Architecture, string>> = {
  x64: 'x86_64-linux-gnu/ld-linux-x86-64.so.2',
  arm64: 'aarch64-linux-gnu/ld-linux-aarch64.so.1',
};

/** The words by which Node is executed so that jazzer.js can be loaded. */
export function nodeCommand(): string[] {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  if (Number(header.glibcVersionRuntime) >= NEEDED) return [process.execPath];
  const architecture = process.arch as Architecture;
  const path = join(unpacked(architecture), 'usr', 'lib', loaders[architecture]);
  return [path, '--library-path', join(path, '..'), process.execPath];
}

function unpacked(architecture: Architecture): string {
  const directory = join(root, 'build', 'fuzz', 'c-library');
  if (existsSync(directory)) return directory;
  const work = `${directory}.${process.pid}`;
  const next = join(work, 'root');
  mkdirSync(next, { recursive: true });
  try {
    unpackWithDependencies(openApt(architecture, work, [SUITE]), ['libstdc++6', 'libatomic1'], next);
    renameSync(next, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}
