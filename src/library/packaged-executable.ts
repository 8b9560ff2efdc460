// Where tsoci is: in the package for this machine that npm has installed beside ours.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The executable of the installed package for this machine; undefined if there is none. */
export function packagedExecutable(): string | undefined {
  for (const name of packageNames()) {
    try {
      return join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'tsoci');
    } catch {
      // It is for another machine, or was left out (npm install --omit=optional).
    }
  }
  return undefined;
}

/** The packages that may be for this machine. Where both are installed, the one for its C library comes first. */
export function packageNames(): string[] {
  const glibc = `@tsoci/linux-${process.arch}`;
  const musl = `${glibc}-musl`;
  const loader = process.arch === 'arm64' ? '/lib/ld-musl-aarch64.so.1' : '/lib/ld-musl-x86_64.so.1';
  return existsSync(loader) ? [musl, glibc] : [glibc, musl];
}
