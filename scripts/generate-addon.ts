// Compiles the addon for x86-64 and arm64: src/linux/addon/*.node.
//
// No two compilers make the same of a C program. So the addon holds a digest of its source and of what is asked of the
// compiler, and is made anew only when these change: a machine needs no compiler to find out.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './repository.ts';

const directory = 'src/linux/addon';
const source = join(root, directory, 'addon.c');
/** Node's headers, which come with it. */
const headers = join(root, 'node_modules', `node-linux-${process.arch}`, 'include', 'node');

const architectures = [
  { name: 'x64', compiler: 'x86_64-linux-gnu-gcc' },
  { name: 'arm64', compiler: 'aarch64-linux-gnu-gcc' },
];

const flags = [
  ...['-std=gnu11', '-Os', '-Wall', '-Wextra', '-Werror', '-DNAPI_VERSION=6'],
  ...['-ffreestanding', '-fno-builtin', '-fno-stack-protector', '-fno-asynchronous-unwind-tables'],
  ...['-shared', '-fPIC', '-fvisibility=hidden', '-nostdlib', '-s'],
  '-Wl,--build-id=none,-z,noexecstack,-z,noseparate-code,-z,norelro',
];

/** The files that are not made from the source as it is. */
export function addons(): { file: string; bytes: () => Buffer }[] {
  const digest = createHash('sha256').update(readFileSync(source)).update(flags.join(' ')).digest('hex');
  return architectures.flatMap(({ name, compiler }) => {
    const file = `${directory}/${name}.node`;
    const path = join(root, file);
    if (existsSync(path) && readFileSync(path).includes(digest)) return [];
    return [{ file, bytes: () => compile(compiler, digest) }];
  });
}

function compile(compiler: string, digest: string): Buffer {
  const work = mkdtempSync(join(tmpdir(), 'addon-'));
  try {
    const output = join(work, 'addon.node');
    const words = [...flags, '-I', headers, `-DMADE_FROM="${digest}"`, '-o', output, source];
    const { status, stderr, error } = spawnSync(compiler, words, { encoding: 'utf8' });
    if (error)
      throw new Error(`${compiler} is wanted (Debian: gcc, gcc-aarch64-linux-gnu)`, { cause: error });
    if (status !== 0) throw new Error(`${compiler} ${words.join(' ')}: ${stderr}`);
    return readFileSync(output);
  } finally {
    rmSync(work, { recursive: true });
  }
}
