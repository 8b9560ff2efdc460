// The validators that are generated from schema/ accept what the schemas do.

import { isConfig, isProcess, isResources } from '../../../src/config/generated/validators/config.js';
import { isFeatures } from '../../../src/config/generated/validators/features.js';
import { isState } from '../../../src/config/generated/validators/state.js';
import { parseJson } from '../../../src/config/json.ts';
import { same, unlessRefused } from '../properties.ts';
import { conforms } from '../schema.ts';

const validators: Readonly<Record<string, (value: unknown) => boolean>> = {
  Config: isConfig,
  Process: isProcess,
  Resources: isResources,
  State: isState,
  Features: isFeatures,
};

export function fuzz(data: Buffer): void {
  const text = data.toString();
  const parsed = unlessRefused(() => parseJson(text), text);
  if (!parsed) return;
  for (const [definition, accepts] of Object.entries(validators))
    same(accepts(parsed.value), conforms(definition, parsed.value), `whether it is a ${definition}`);
}
