// What `tsoci --version` shows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specVersion } from '../config/rules/version.ts';
import { tryLibseccomp } from '../security/seccomp/libseccomp.ts';

// Set by scripts/build.ts; undefined when tsoci runs unbuilt.
declare const TSOCI_VERSION: string | undefined;
declare const TSOCI_COMMIT: string | undefined;

export function versionText(): string {
  const seccomp = tryLibseccomp()?.version;
  return [
    `tsoci version ${version()}`,
    `commit: ${commit()}`,
    `spec: ${specVersion}`,
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
