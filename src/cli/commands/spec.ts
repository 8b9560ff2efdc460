import { linkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../../config/generated/types.ts';
import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';
import { discardFile } from '../../linux/files.ts';
import { defineCommand } from '../command.ts';
import { type Option, UsageError, type Values } from '../options.ts';
import { ownExecutable } from '../own-executable.ts';
import { callerPath } from '../paths.ts';
import { COMPOSE_OPTIONS, changesOf } from '../spec-options.ts';

const OPTIONS = [
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
  ...COMPOSE_OPTIONS,
] as const satisfies readonly Option[];

export const command = defineCommand({
  name: 'spec',
  summary: 'write a config.json to start from',
  description:
    'Writes a config.json that runs sh on a terminal in the root filesystem of a bundle, or what the options say instead. It is checked as "tsoci validate" does, and an existing file is never overwritten.',
  operands: [],
  options: OPTIONS,
  examples: [
    {
      does: 'make the bundle /bundles/web out of a directory with a rootfs',
      line: 'spec --bundle /bundles/web',
    },
    {
      does: "make one of the host's own files, read-only, that runs a command",
      line: 'spec --rootfs / --no-terminal --arg ls --arg -l --arg /proc/self/ns',
    },
    {
      does: 'give it a network, and a directory of the host to read',
      line: 'spec --network masquerade,publish=8080:80 --bind /srv/www:/srv:ro',
    },
  ],
  async run({ caller, values }) {
    const { stringifyJson } = await import('../../config/stringify.ts');
    const { loadChecked } = await import('../../config/load.ts');
    const { describe } = await import('../../config/finding.ts');
    const bundle = callerPath('bundle', values.bundle, caller) ?? caller.cwd;
    const path = resolve(bundle, values.file);
    const config = await composed(values, caller);
    const { warnings } = loadChecked(stringifyJson(config), path);
    for (const warning of warnings) caller.warn(describe(warning));
    writeNew(path, `${JSON.stringify(config, null, 2)}\n`, caller.pid);
  },
});

async function composed(values: Values<typeof OPTIONS>, caller: Caller): Promise<Config> {
  const { exampleConfig } = await import('../../config/spec.ts');
  const { compose } = await import('../../config/compose.ts');
  const { knownMountOptions } = await import('../../config/mount-options.ts');
  const example = exampleConfig(values.rootless ? { uid: caller.uid, gid: caller.gid } : undefined);
  const config = compose(example, changesOf(values, caller, knownMountOptions));
  if (values.network === undefined) return config;
  if (values.rootless)
    throw new UsageError("--network needs root: the bridge is the host's, and --rootless has no right to it");
  const { injectNetwork } = await import('../../network/inject.ts');
  return injectNetwork(config, values.network, ownExecutable(caller));
}

/** Writes a file that does not exist: whole, or not at all. */
function writeNew(path: string, text: string, pid: number): void {
  const temporary = `${path}.${pid}`;
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    try {
      linkSync(temporary, path);
    } finally {
      discardFile(temporary);
    }
  } catch (error) {
    throw TsociError.from(`write ${path}`, error);
  }
}
