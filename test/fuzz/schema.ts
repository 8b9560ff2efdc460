// JSON Schema as far as schema/ uses it, taken at its word: a second opinion about the validators that ajv makes of it.

import { definitions, resolve, type Schema } from '../../scripts/schemas.ts';

interface Conditional extends Schema {
  if?: Schema;
  then?: Schema;
  pattern?: string;
  minItems?: number;
}

/** Whether a value of JSON has the form of a definition; integers beyond 2^53 are bigints. */
export function conforms(definition: string, value: unknown): boolean {
  const schema = definitions.get(definition);
  if (!schema) throw new Error(`schema/ does not define ${definition}`);
  return accepts(schema, value);
}

function accepts(schema: Conditional, value: unknown): boolean {
  if (schema.$ref !== undefined && !accepts(resolve(schema.$ref)[1], value)) return false;
  const types = schema.type === undefined ? undefined : [schema.type].flat();
  if (types && !types.some((type) => isOf(type, value, schema))) return false;
  if (schema.enum && !schema.enum.some((each) => each === value)) return false;
  if (schema.if && schema.then && accepts(schema.if, value) && !accepts(schema.then, value)) return false;
  if (typeof value === 'string')
    return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value);
  if (Array.isArray(value)) {
    const { items, minItems = 0 } = schema;
    return value.length >= minItems && (!items || value.every((entry) => accepts(items, entry)));
  }
  return typeof value !== 'object' || value === null || hasProperties(schema, value);
}

function isOf(type: string, value: unknown, { minimum, maximum }: Schema): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'null') return value === null;
  if (type !== 'integer') return typeof value === type;
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false;
  const number = BigInt(value as number | bigint);
  return (minimum === undefined || number >= minimum) && (maximum === undefined || number <= maximum);
}

function hasProperties(
  { required = [], properties = {}, additionalProperties }: Schema,
  value: object,
): boolean {
  if (!required.every((name) => Object.hasOwn(value, name))) return false;
  return Object.entries(value).every(([name, part]) => {
    const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    return own === undefined || own === true || (own !== false && accepts(own, part));
  });
}
