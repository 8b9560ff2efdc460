// The schemas of schema/, read for the generators.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../src/config/json.ts';

/** What we use of JSON Schema 2020-12. */
export interface Schema {
  $id?: string;
  $ref?: string;
  /** The section of the specification that defines this part, and all within that names no other. */
  $comment?: string;
  title?: string;
  description?: string;
  deprecated?: boolean;
  type?: string | string[];
  enum?: string[];
  minimum?: number | bigint;
  maximum?: number | bigint;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  $defs?: Record<string, Schema>;
}

const directory = join(import.meta.dirname, '..', 'schema');

/** All schema files, by name; integers are exact. */
export const schemas: ReadonlyMap<string, Schema> = new Map(
  globSync('*.schema.json', { cwd: directory })
    .sort()
    .map((name) => [name, parseJson(readFileSync(join(directory, name), 'utf8')) as Schema]),
);

/** All definitions of all files, by name; a name is that of a type, and there once only. */
export const definitions: ReadonlyMap<string, Schema> = collectDefinitions();

function collectDefinitions(): Map<string, Schema> {
  const all = new Map<string, Schema>();
  for (const [file, schema] of schemas) {
    if (schema.$id !== file) throw new Error(`${file}: its $id is ${schema.$id}`);
    for (const [name, definition] of Object.entries(schema.$defs ?? {})) {
      if (all.has(name)) throw new Error(`${file}: there is another definition of ${name}`);
      all.set(name, definition);
    }
  }
  const { $id, $defs, ...config } = schemas.get('config.schema.json') ?? {};
  return all.set('Config', config);
}

/** The name and the definition that a $ref means. */
export function resolve(ref: string): [name: string, definition: Schema] {
  const name = ref.replace(/^.*#\/\$defs\//, '');
  const definition = definitions.get(name);
  if (definition === undefined) throw new Error(`$ref ${ref}: no such definition`);
  return [name, definition];
}
