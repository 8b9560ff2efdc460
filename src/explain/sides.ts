// The two sides of `tsoci diff`: a configuration in a file, or a process that runs.

import { existsSync } from 'node:fs';
import type { Config } from '../config/generated/types.ts';
import { loadConfig } from '../config/load.ts';
import { configFileOf } from '../config/validate.ts';
import { readSavedConfig } from '../container/state/saved.ts';
import { containerDirectory, savedConfig } from '../container/state/store.ts';
import { readTextFile } from '../linux/text-file.ts';
import { configFacts, runtimeMounts } from './config-facts.ts';
import { compareFacts, type Difference, drift } from './facts.ts';
import { processFacts } from './process-facts.ts';

/** The configuration of a bundle or of a file, of the right form. */
export function readConfig(path: string): Config {
  const file = configFileOf(path);
  return loadConfig(readTextFile(file), file);
}

/** The configuration that a container was created with; undefined for what is no container of this state directory. */
export function containerConfig(root: string, name: string): Config | undefined {
  const directory = containerDirectory(root, name);
  return existsSync(savedConfig(directory)) ? readSavedConfig(directory) : undefined;
}

/** A bundle or a file, or a process. */
export type Side = { readonly path: string } | { readonly pid: number };

/** How the second side differs from the first. What one side is silent about, being a configuration, is no difference. */
export function compareSides(first: Side, second: Side): Difference[] {
  if ('path' in first && 'path' in second)
    return compareFacts(configFacts(readConfig(first.path)), configFacts(readConfig(second.path)));
  if ('pid' in first && 'pid' in second)
    return compareFacts(processFacts(first.pid), processFacts(second.pid));
  if ('pid' in first)
    return compareSides(second, first).map(({ name, left, right }) => ({ name, left: right, right: left }));
  const config = readConfig(first.path);
  return drift(
    configFacts(config),
    'pid' in second ? processFacts(second.pid) : new Map(),
    runtimeMounts(config),
  );
}
