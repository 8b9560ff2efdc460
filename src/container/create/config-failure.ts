// What a person needs to know of a configuration that does not work: where the property stands that could not be applied,
// and what of the configuration is misspelt.

import { describe, type Finding } from '../../config/finding.ts';
import { parseJson } from '../../config/json.ts';
import { tellPlace, withPlaces } from '../../config/places.ts';
import { surprises } from '../../config/unknown-properties.ts';
import type { Caller } from '../../launcher/caller.ts';
import { TsociError } from '../../linux/errors.ts';

export interface ConfigSource {
  file: string;
  text: string;
}

/** An error that has been explained. */
class ConfigFailure extends TsociError {
  override name = 'ConfigFailure';
}

/** Does something for a configuration; its error is explained. */
export function explainingConfig<T>(caller: Caller, source: ConfigSource, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw explainFailure(caller, source, error);
  }
}

/** The error of a configuration, with the place of its property. Names that look misspelt are told as warnings. */
export function explainFailure(caller: Caller, source: ConfigSource, error: unknown): unknown {
  if (!(error instanceof TsociError) || error instanceof ConfigFailure) return error;
  for (const finding of misspellings(source.text)) caller.warn(describe(finding, source.file));
  const { errno, message, property, propertyTold, step, hint } = error;
  const place = property === undefined || propertyTold ? '' : `; ${tellPlace(property, source)}`;
  const told = { propertyTold: true, step, hint, cause: error };
  return new ConfigFailure(`${message}${place}`, { errno, property, ...told });
}

/** Unknown properties whose names are near a known one. */
function misspellings(text: string): readonly Finding[] {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return [];
  }
  const misspelt = surprises(value).filter(({ expected }) => expected !== '');
  return withPlaces(misspelt, text);
}
