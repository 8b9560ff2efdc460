// What no program in a Node single executable can undercut: one that does nothing.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSea } from '../scripts/executable/sea.ts';

/** Builds it as dist/tsoci is built, with the same Node and options. Returns its path. */
export function buildFloor(work: string): string {
  mkdirSync(work, { recursive: true });
  const main = join(work, 'empty.cjs');
  const output = join(work, 'floor');
  const snapshot = "require('internal/v8/startup_snapshot').namespace";
  writeFileSync(main, `${snapshot}.setDeserializeMainFunction(() => process.reallyExit(0));\n`);
  buildSea({ work, main, output });
  return output;
}
