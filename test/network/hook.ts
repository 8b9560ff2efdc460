// `tsoci network` by itself, as a hook of tests.

import { processCaller } from '../../src/cli/caller.ts';
import { readArguments } from '../../src/cli/command.ts';
import { command } from '../../src/cli/network.ts';

const args = process.argv.slice(2);
const globals = { root: '/nowhere', cgroupManager: 'cgroupfs', rootless: 'auto' } as const;
const caller = processCaller(args, () => {});
try {
  const read = readArguments(command, args);
  if (read) await command.run({ caller, globals, ...read });
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
