// Lists of NAME=VALUE (environ(7)): process.env, hooks[].env, --env.

/**
 * The list with one entry for each name: the last. Of two, getenv(3) of libc finds the first, and a shell the last. An
 * entry that is not NAME=VALUE stays as it is.
 */
export function lastOfEach(env: readonly string[]): string[] {
  const entries = new Map(env.map((entry) => [entry.slice(0, entry.indexOf('=', 1) + 1) || entry, entry]));
  return [...entries.values()];
}

/** The list of a process's own environment. */
export function listOf(variables: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
}

/** The last value of a variable. */
export function variable(env: readonly string[], name: string): string | undefined {
  return env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}
