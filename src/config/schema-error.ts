// What the generated validators answer.

/** A type guard; after false, `errors` says all that is wrong. */
export interface Validator<T> {
  (value: unknown): value is T;
  errors?: SchemaError[] | null;
}

/** A keyword of the schema that a value does not satisfy. */
export type SchemaError = {
  /** JSON pointer (RFC 6901) of the value. */
  instancePath: string;
} & (
  | { keyword: 'required'; params: { missingProperty: string } }
  | { keyword: 'type'; params: { type: string | string[] } }
  | { keyword: 'integer'; params: { minimum: string; maximum: string } }
  | { keyword: 'enum'; params: { allowedValues: string[] } }
  | { keyword: 'pattern'; params: { pattern: string } }
  | { keyword: 'minItems'; params: { limit: number } }
  | { keyword: 'if'; params: { failingKeyword: string } }
);
