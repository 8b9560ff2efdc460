// What criu's log says of a failure. Its lines: "(00.123456) 42: Error (criu/mount.c:1107): mnt: …".

import { readTextFile } from '../linux/text-file.ts';

/** As many of its errors are told: the last of them, since it goes on after some. */
const MOST = 3;

/** The last errors of a log, in one line; empty if there is none, or no log. */
export function errorsIn(log: string): string {
  let text: string;
  try {
    text = readTextFile(log);
  } catch {
    return '';
  }
  const errors = text.split('\n').flatMap((line) => {
    const error = /Error \([^)]*\): (.*)/.exec(line)?.[1]?.replace(/(\s|\\n)+$/, '');
    // "Dumping FAILED." says nothing new.
    return error && !/FAILED\.?$/.test(error) ? [error] : [];
  });
  return [...new Set(errors)].slice(-MOST).join('; ');
}
