// What no program that Bun executes can undercut: one that does nothing.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../scripts/executable/compile.ts';
import { findTarget } from '../scripts/executable/target.ts';

/** Builds it as dist/tsoci-runtime is built. Returns its path. */
export function buildFloor(work: string): string {
  mkdirSync(work, { recursive: true });
  const entry = join(work, 'empty.ts');
  const output = join(work, 'floor');
  writeFileSync(entry, 'process.exit(0);\n');
  compile({ entry, output, target: findTarget() });
  return output;
}
