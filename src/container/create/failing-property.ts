// Where in config.json the property stands that could not be applied.

import { tellPlace } from '../../config/places.ts';
import { TsociError } from '../../linux/errors.ts';

export interface ConfigSource {
  file: string;
  text: string;
}

/** Does something for a configuration; the error of a property says where that stands. */
export function withPlace<T>(source: ConfigSource, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw placed(error, source);
  }
}

/** An error, with the place of its property if it is one of a property. */
export function placed(error: unknown, source: ConfigSource): unknown {
  if (!(error instanceof TsociError) || error.property === undefined) return error;
  const { errno, message, property } = error;
  return new TsociError(`${message}; ${tellPlace(property, source)}`, { errno, cause: error });
}
