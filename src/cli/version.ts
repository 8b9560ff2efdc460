// What `tsoci --version` shows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specVersion } from '../config/spec-version.ts';
import { builtCommit, builtVersion } from '../linux/build.ts';
import { tryLibseccomp } from '../security/seccomp/libseccomp.ts';

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
  if (builtVersion) return builtVersion;
  const manifest = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  return String(Object(JSON.parse(manifest)).version);
}

export function commit(): string {
  return builtCommit ?? 'unbuilt';
}
