// The forms of values that files of ours hold as JSON. One that was damaged, or written by somebody else, must neither crash a
// command nor make it work on what it should not.

/** Whether a value has a form. */
export type Form = (value: unknown) => boolean;
/** Of an object: the form of each property. */
export type Forms<T> = { readonly [Key in keyof Required<T>]: Form };

export const text: Form = (value) => typeof value === 'string';
export const truth: Form = (value) => typeof value === 'boolean';
/** A whole number that is not negative. */
export const count: Form = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

export function optional(form: Form): Form {
  return (value) => value === undefined || form(value);
}

export function listOf(form: Form): Form {
  return (value) => Array.isArray(value) && value.every(form);
}

/** An object with any names. */
export function mapOf(form: Form): Form {
  return (value) => isObject(value) && Object.values(value).every(form);
}

export function objectOf<T>(forms: Forms<T>): Form {
  return (value) => wrongProperty(value, forms) === undefined;
}

/** The first property that has not its form, or "content" when the value is no object at all. */
export function wrongProperty<T>(value: unknown, forms: Forms<T>): string | undefined {
  if (!isObject(value)) return 'content';
  return Object.entries<Form>(forms).find(([name, form]) => !form(value[name]))?.[0];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
