// What an earlier command left in a container's directory beside the record, read with checks of its form: a file may have
// been damaged since.

import type { Config, Resources } from '../../config/generated/types.ts';
import { loadConfig, loadResourcesForm } from '../../config/load.ts';
import { readTextFile } from '../../linux/text-file.ts';
import { savedConfig, savedResources } from './store.ts';

export function readSavedConfig(directory: string): Config {
  const path = savedConfig(directory);
  return loadConfig(readTextFile(path), path);
}

export function readSavedResources(directory: string): Resources {
  const path = savedResources(directory);
  return loadResourcesForm(readTextFile(path), path);
}
