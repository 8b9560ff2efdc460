// JSON with integers of 64 bits that an earlier command left in a container's directory.

import { readFileSync } from 'node:fs';
import { parseJson } from '../../config/json.ts';
import { TsociError } from '../../linux/errors.ts';

export function readSaved(path: string): unknown {
  try {
    return parseJson(readFileSync(path, 'utf8'));
  } catch (error) {
    throw TsociError.from(`read ${path}`, error);
  }
}
