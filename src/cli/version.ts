// What `tsoci --version` shows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { libc } from '../linux/ffi.ts';
import { koffi } from '../linux/koffi.ts';

/** The version of the runtime specification that this tsoci implements. */
export const SPEC_VERSION = '1.3.0';

// Set by scripts/build.ts; undefined when tsoci runs unbuilt.
declare const TSOCI_VERSION: string | undefined;
declare const TSOCI_COMMIT: string | undefined;

export function versionText(): string {
  const seccomp = libseccompVersion();
  return [
    `tsoci version ${version()}`,
    `commit: ${commit()}`,
    `spec: ${SPEC_VERSION}`,
    ...(seccomp ? [`libseccomp: ${seccomp}`] : []),
    '',
  ].join('\n');
}

export function version(): string {
  if (typeof TSOCI_VERSION === 'string') return TSOCI_VERSION;
  const manifest = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  return String(Object(JSON.parse(manifest)).version);
}

export function commit(): string {
  return typeof TSOCI_COMMIT === 'string' ? TSOCI_COMMIT : 'unbuilt';
}

/** The version of the host's libseccomp (seccomp_version(3)); undefined where there is none. */
export function libseccompVersion(): string | undefined {
  try {
    const address = koffi().load('libseccomp.so.2').func('seccomp_version', 'intptr_t', [])();
    const version = new Uint32Array(3);
    libc('memcpy', new Uint8Array(version.buffer), Number(address), version.byteLength);
    return version.join('.');
  } catch {
    return undefined;
  }
}
