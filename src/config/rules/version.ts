// config.md#specification-version

import { error, type Finding, warning } from '../finding.ts';
import type { Config } from '../generated/types.ts';
import { specVersion } from '../spec-version.ts';
import { quote } from './values.ts';

const section = 'config.md#specification-version';

/** semver.org: 2.0.0, with pre-release and build identifiers. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][\da-zA-Z-]*))*)?(?:\+[\da-zA-Z-]+(?:\.[\da-zA-Z-]+)*)?$/;

/**
 * The major version decides. A later minor version than ours is a warning, though the section has it that such a
 * configuration is not compatible: engines raise ociVersion with each release of the bindings, whatever they use of it,
 * and what is not known is to be ignored (config.md#extensibility). runc and crun accept it silently.
 */
export function version({ ociVersion }: Config): Finding[] {
  const [, major, minor] = semver.exec(ociVersion) ?? [];
  if (major === undefined)
    return [error('/ociVersion', `is ${quote(ociVersion)}`, `a version such as ${specVersion}`, section)];
  const [ourMajor, ourMinor] = specVersion.split('.');
  if (major !== ourMajor) return [error('/ociVersion', `is ${ociVersion}`, `${ourMajor}.x`, section)];
  if (Number(minor) <= Number(ourMinor)) return [];
  const problem = `is ${ociVersion}: what is new in it is ignored`;
  return [warning('/ociVersion', problem, `at most ${ourMajor}.${ourMinor}.x`, section)];
}
