// From a bundle to a checked config, before anything is done.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe } from '../config/finding.ts';
import type { Config } from '../config/generated/types.ts';
import { loadChecked } from '../config/load.ts';
import type { Caller } from '../linux/caller.ts';
import { TsociError } from '../linux/errors.ts';

export interface Bundle {
  /** The absolute path of the bundle. */
  path: string;
  /** The absolute path of the root filesystem, without symlinks. */
  rootfs: string;
  config: Config;
  /** The text of config.json. */
  text: string;
}

/** Reads and checks a bundle (bundle.md, config.md). Warnings go to the caller; the first error is thrown. */
export function loadBundle(caller: Caller, bundle: string, configFile: string | undefined): Bundle {
  const path = resolve(caller.cwd, bundle);
  const file = configFile ? resolve(caller.cwd, configFile) : join(path, 'config.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw TsociError.from(`read ${file}`, error, 'is this the directory of a bundle?');
  }
  const { value: config, warnings } = loadChecked(text, file);
  for (const warning of warnings) {
    // What becomes of capabilities is told when it is known what can be granted.
    if (!warning.pointer.startsWith('/process/capabilities/')) caller.warn(describe(warning));
  }
  return { path, rootfs: findRootfs(path, config), config, text };
}

/** config.md#root: a directory must exist at the path. */
function findRootfs(bundle: string, config: Config): string {
  const root = resolve(bundle, config.root?.path ?? '');
  try {
    const real = realpathSync(root);
    if (!statSync(real).isDirectory()) throw new TsociError(`root filesystem ${root}: not a directory`);
    return real;
  } catch (error) {
    if (error instanceof TsociError) throw error;
    throw TsociError.from(`root filesystem ${root}`, error);
  }
}
