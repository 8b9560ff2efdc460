import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TsociError } from '../linux/errors.ts';
import { defineCommand } from './command.ts';
import { callerPath } from './paths.ts';

export const command = defineCommand({
  name: 'spec',
  summary: 'write a config.json to start from',
  description:
    'Writes a config.json that runs sh in the root filesystem of a bundle, for you to change. An existing file is never overwritten.',
  operands: [],
  options: [
    {
      long: 'bundle',
      short: 'b',
      kind: 'string',
      placeholder: 'DIR',
      help: 'the bundle to write it into (default: the working directory)',
    },
    {
      long: 'file',
      short: 'f',
      kind: 'string',
      placeholder: 'FILE',
      default: 'config.json',
      help: 'the file to write, relative to the bundle',
    },
    { long: 'rootless', kind: 'flag', help: 'a configuration for a user who is not root' },
  ],
  examples: [
    {
      does: 'make the bundle /bundles/web out of a directory with a rootfs',
      line: 'spec --bundle /bundles/web',
    },
  ],
  async run({ caller, values }) {
    const { exampleConfig } = await import('../config/spec.ts');
    const bundle = callerPath('bundle', values.bundle, caller) ?? caller.cwd;
    const path = resolve(bundle, values.file);
    const config = exampleConfig(values.rootless ? { uid: caller.uid, gid: caller.gid } : undefined);
    try {
      writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { flag: 'wx' });
    } catch (error) {
      throw TsociError.from(`write ${path}`, error);
    }
  },
});
