// What an earlier command left in a container's directory beside the record, read with checks of its form: a file may have
// been damaged since.

import type { Config, Resources } from '../../config/generated/types.ts';
import { loadConfig, loadResourcesForm } from '../../config/load.ts';
import { TsociError } from '../../linux/errors.ts';
import { readTextFile } from '../../linux/text-file.ts';
import { type SavedOperation, savedConfig, savedProgram, savedResources } from './store.ts';

export function readSavedConfig(directory: string): Config {
  const path = savedConfig(directory);
  return loadConfig(readTextFile(path), path);
}

export function readSavedResources(directory: string): Resources {
  const path = savedResources(directory);
  return loadResourcesForm(readTextFile(path), path);
}

export function readSavedProgram(directory: string): SavedOperation[] {
  const path = savedProgram(directory);
  const value = parseText(readTextFile(path));
  if (Array.isArray(value) && value.every(isOperation)) return value;
  throw new TsociError(`${path} is damaged: it is no list of operations`);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOperation(value: Partial<SavedOperation> | null): boolean {
  return typeof value?.doing === 'string' && Array.isArray(value.ignored);
}
