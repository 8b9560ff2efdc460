// Failures that are known and explained: conformance/known/RUNTIME.json.

import { existsSync, readFileSync } from 'node:fs';
import type { Runtime } from './runtime.ts';
import type { Known } from './tap.ts';

interface KnownFile {
  /** The runtime's version for which the reasons were found. */
  version: string;
  reasons: Known;
}

/** The reasons for this runtime; none if it has no file. */
export function knownFailures(runtime: Runtime): { known: Known; remark?: string } {
  const file = new URL(`../known/${runtime.name}.json`, import.meta.url);
  if (!existsSync(file)) return { known: {} };
  const { version, reasons } = JSON.parse(readFileSync(file, 'utf8')) as KnownFile;
  if (runtime.version.startsWith(version)) return { known: reasons };
  return { known: reasons, remark: `the known failures are those of ${runtime.name} ${version}` };
}
