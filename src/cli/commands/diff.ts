import { existsSync } from 'node:fs';
import type { Side } from '../../explain/sides.ts';
import type { Caller } from '../../launcher/caller.ts';
import { defineCommand } from '../command.ts';
import { callerPath } from '../paths.ts';
import { findTargets } from '../targets.ts';

export const command = defineCommand({
  name: 'diff',
  summary: 'compare two configurations or running processes by what they mean',
  description:
    'Compares two sides, each a bundle, a config.json, a container or a process by its pid: what the first alone has after -, what the second alone has after +. Sets are compared as sets, and a configuration counts as what it makes of a process. An operand with a slash, or a file of that name, is a path.',
  exitStatus: '1 if the sides differ or one cannot be read, and 0 otherwise',
  operands: ['SIDE', 'SIDE'],
  options: [{ long: 'json', kind: 'flag', help: 'show the differences as JSON' }],
  examples: [
    { does: 'compare a container with the process 4242 of another runtime', line: 'diff web 4242' },
    { does: 'compare two bundles', line: 'diff ./works ./fails' },
  ],
  async run({ caller, globals: { root }, values: { json }, operands: [left = '', right = ''] }) {
    const { differenceLines } = await import('../../explain/explain-text.ts');
    const { compareSides } = await import('../../explain/sides.ts');
    const first = await findSide(caller, root, left);
    const differences = compareSides(first, await findSide(caller, root, right));
    const shown = json
      ? `${JSON.stringify(differences, null, 2)}\n`
      : differenceLines(differences)
          .map((line) => `${line}\n`)
          .join('');
    caller.write(caller.stdio[1], shown);
    return differences.length > 0 ? 1 : 0;
  },
});

async function findSide(caller: Caller, root: string, operand: string): Promise<Side> {
  const path = callerPath('diff', operand, caller) ?? operand;
  if (operand.includes('/') || operand === '.' || (existsSync(path) && !/^\d+$/.test(operand)))
    return { path };
  const [target] = await findTargets(root, [operand]);
  return { pid: target?.pid ?? 0 };
}
