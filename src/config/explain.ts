// Schema errors as findings.

import type { Finding } from './finding.ts';
import { unescapePointer } from './json-scan.ts';
import { nearest } from './nearest.ts';
import { quote } from './rules/values.ts';
import type { SchemaError } from './schema-error.ts';

/** Longer lists of allowed values are not told whole. */
const LIST_MAX = 9;
const types: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'true or false',
  null: 'null',
  object: 'an object',
  string: 'a string',
};

/** What the errors of a validator say about the value it was given. */
export function explain(errors: readonly SchemaError[], root: unknown): Finding[] {
  return errors.flatMap((error) => {
    const value = valueAt(root, error.instancePath);
    const told = tell(error, value);
    return told ? [{ level: 'error' as const, pointer: error.instancePath, ...told }] : [];
  });
}

type Told = { pointer?: string; problem: string; expected: string };

function tell(error: SchemaError, value: unknown): Told | undefined {
  const problem = `is ${quote(value)}`;
  switch (error.keyword) {
    case 'required': {
      const pointer = `${error.instancePath}/${error.params.missingProperty}`;
      return { pointer, problem: 'is required, but missing', expected: '' };
    }
    case 'type': {
      const allowed = [error.params.type].flat().map((type) => types[type] ?? type);
      return { problem, expected: allowed.join(' or ') };
    }
    case 'integer': {
      const { minimum, maximum } = error.params;
      const rounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
      return {
        problem: rounded ? `${problem}, an integer too large for a fraction or an exponent` : problem,
        expected: `an integer from ${minimum} to ${maximum}`,
      };
    }
    case 'enum':
      // That it is no string is another error.
      return typeof value === 'string'
        ? { problem, expected: choice(value, error.params.allowedValues) }
        : undefined;
    case 'pattern':
      return { problem, expected: `text that matches ${error.params.pattern}` };
    case 'minItems':
      return { problem: 'has too few entries', expected: `at least ${error.params.limit}` };
    case 'if':
      return undefined;
  }
}

function choice(value: string, allowed: readonly string[]): string {
  // An empty text is as if there were none.
  const named = allowed.filter((each) => each !== '');
  const guess = nearest(value, named);
  if (guess !== undefined) return guess;
  const shown = named.slice(0, LIST_MAX).join(', ');
  return `one of ${shown}${named.length > LIST_MAX ? ', …' : ''}`;
}

function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const name = unescapePointer(part);
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
