// What no program in a Node single executable can undercut: one that does nothing.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, nodeOptions, strippedNode } from '../scripts/executable/node.ts';

/** Builds it with the Node, and the options of Node, that dist/tsoci has. Returns its path. */
export function buildFloor(work: string): string {
  mkdirSync(work, { recursive: true });
  const main = join(work, 'empty.cjs');
  const config = join(work, 'sea.json');
  const output = join(work, 'floor');
  writeFileSync(main, 'process.reallyExit(0);\n');
  writeFileSync(
    config,
    JSON.stringify({
      main,
      output,
      executable: strippedNode(work),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      execArgv: nodeOptions,
      execArgvExtension: 'none',
    }),
  );
  const { status, stderr } = spawnSync(node, ['--build-sea', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node --build-sea: ${stderr}`);
  return output;
}
