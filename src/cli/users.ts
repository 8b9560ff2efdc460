// Names of users (passwd(5)).

import { readFileSync } from 'node:fs';

/** The name of a user of the host; the number itself where /etc/passwd has none. */
export function userName(uid: number): string {
  if (uid === 0) return 'root';
  try {
    const fields = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    return fields.find(([, , id]) => id === String(uid))?.[0] ?? String(uid);
  } catch {
    return String(uid);
  }
}
