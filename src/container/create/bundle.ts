// From a bundle to a checked config.

import { realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe } from '../../config/finding.ts';
import type { Config } from '../../config/generated/types.ts';
import { loadChecked } from '../../config/load.ts';
import { withPlaces } from '../../config/places.ts';
import { stringifyJson } from '../../config/stringify.ts';
import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';
import { readTextFile } from '../../linux/text-file.ts';
import { type ConfigSource, explainingConfig } from './config-failure.ts';
import type { CreateOptions } from './options.ts';

export interface Bundle {
  /** The absolute path of the bundle. */
  path: string;
  /** The absolute path of the root filesystem, without symlinks. */
  rootfs: string;
  config: Config;
  /** The text of the config. */
  text: string;
  source: ConfigSource;
}

/** The bundle with the hooks of --network in its config. */
export async function withNetwork(
  caller: Caller,
  bundle: Bundle,
  network: CreateOptions['network'],
): Promise<Bundle> {
  if (!network) return bundle;
  if (caller.uid !== 0) throw new TsociError("--network needs root: the bridge is the host's");
  const { injectNetwork } = await import('../../network/inject.ts');
  const config = injectNetwork(bundle.config, network.spec, network.tsoci);
  return { ...bundle, config, text: stringifyJson(config) };
}

/** Reads and checks a bundle (bundle.md, config.md). Warnings go to the caller; the first error is thrown. */
export function loadBundle(caller: Caller, path: string, configFile: string | undefined): Bundle {
  const file = configFile ?? join(path, 'config.json');
  const text = readTextFile(file, {
    hint: 'is this the directory of a bundle?',
    fifo: configFile !== undefined,
  });
  const source = { file, text };
  const { value: config, warnings } = explainingConfig(caller, source, () => loadChecked(text, file));
  // Warnings about capabilities come later, when it is known which can be granted (planCapabilities).
  const told = warnings.filter(({ pointer }) => !pointer.startsWith('/process/capabilities/'));
  for (const warning of withPlaces(told, text)) caller.warn(describe(warning, file));
  return explainingConfig(caller, source, () => bundleOf(path, config, source));
}

export function bundleOf(path: string, config: Config, source: ConfigSource): Bundle {
  return { path, rootfs: findRootfs(path, config), config, text: source.text, source };
}

/** config.md#root: a directory must exist at the path. */
function findRootfs(bundle: string, config: Config): string {
  const root = resolve(bundle, config.root?.path ?? '');
  try {
    const real = realpathSync(root);
    if (!statSync(real).isDirectory())
      throw new TsociError(`root filesystem ${root}: not a directory`, { property: 'root.path' });
    return real;
  } catch (error) {
    if (error instanceof TsociError) throw error;
    throw TsociError.from(`root filesystem ${root}`, error).for('root.path');
  }
}
