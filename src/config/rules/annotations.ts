// config.md#annotations

import { error, type Finding } from '../finding.ts';
import type { Config } from '../generated/types.ts';

export function annotations({ annotations = {} }: Config): Finding[] {
  return '' in annotations
    ? [error('/annotations/', 'has an empty key', 'a name', 'config.md#annotations')]
    : [];
}
