import { describe } from '../../config/finding.ts';
import type { Resources } from '../../config/generated/types.ts';
import type { Caller } from '../../launcher/caller.ts';
import { readTextFile, readTextFrom } from '../../linux/text-file.ts';
import { defineCommand } from '../command.ts';
import { callerPath } from '../paths.ts';
import { LIMIT_OPTIONS, limitsOf, schemasOf } from '../update-options.ts';

export const command = defineCommand({
  name: 'update',
  summary: 'change the limits of a container',
  description:
    'Changes the limits of a created, running or paused container; what is not named stays as it is. With --resources all other options but those of Intel RDT are ignored.',
  operands: ['CONTAINER'],
  options: [
    {
      long: 'resources',
      short: 'r',
      kind: 'string',
      placeholder: 'FILE',
      help: 'take the limits from a JSON file (- is standard input) in the form of linux.resources of config.json',
    },
    ...LIMIT_OPTIONS,
  ],
  examples: [
    {
      does: 'let the container web use 512 MiB and half a CPU',
      line: 'update --memory 512m --cpu-period 100000 --cpu-quota 50000 web',
    },
  ],
  async run({ caller, globals, values, operands: [id = ''] }) {
    const resources =
      values.resources === undefined ? limitsOf(values) : await readResources(values.resources, caller);
    const { updateContainer } = await import('../../container/update.ts');
    await updateContainer(caller, { root: globals.root, id, resources, intelRdt: schemasOf(values) });
  },
});

async function readResources(file: string, caller: Caller): Promise<Resources> {
  const { loadResources } = await import('../../config/load.ts');
  const name = file === '-' ? 'standard input' : file;
  const text =
    file === '-'
      ? readTextFrom(caller.stdio[0], name)
      : readTextFile(callerPath('resources', file, caller) ?? file, { fifo: true });
  const { value, warnings } = loadResources(text, name);
  for (const warning of warnings) caller.warn(describe(warning));
  return value;
}
