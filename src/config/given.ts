// Objects made of what was given, such as the options of a command.

export type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** The properties that have a value. */
export function given<T extends object>(all: T): Given<T> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Given<T>;
}
