// What `plan` shows beside what a run shows of the same bundle.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Change, Sandbox } from '../container/harness.ts';

/** Options of both commands, and those before the command. */
export interface Compared {
  options?: readonly string[];
  globals?: readonly string[];
}

/** Plans and runs a container, which must be the same call by call; the lines. `file` is where the trace goes. */
export function compare(
  box: Sandbox,
  change?: Change,
  { options = [], globals = [] }: Compared = {},
  file = join(box.directory, 'trace'),
): string[] {
  box.configure('true', change);
  const id = box.id();
  const planned = box.tsoci(...globals, 'plan', ...options, '--id', id, box.bundle);
  assert.is(planned.status, 0, planned.stderr);
  rmSync(file, { force: true });
  const traced = box.tsoci(`--trace=${file}`, ...globals, 'run', ...options, id);
  assert.is(traced.status, 0, traced.stderr);
  const [plan, trace] = [planned.stdout, readFileSync(file, 'utf8')].map(comparable);
  // The first difference tells more than two lists of hundreds of lines.
  for (const [i, line] of trace?.entries() ?? []) assert.is(plan?.[i], line, `line ${i + 1}`);
  assert.is(plan?.length, trace?.length);
  return plan ?? [];
}

/**
 * Lines without what no plan can know: pids, times (also those of files, which a plan looks at before the run does), the
 * serial number of a keyring, the number of an inode that is made, the type of the host's own filesystem, how long a message
 * with a pid is; and without addresses in the stub, since a pid in
 * its memory may have more digits.
 */
function comparable(text: string): string[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) =>
      line
        .replace(/^[\d.]+ ms (\w+) \d+:/, '$1:')
        .replace(/ <[\d.]+ ms, \d+ calls?>$/, '')
        .replace(/^(\w+: clone3\(.*\)) = \d+/, '$1 = PID')
        .replace(/(KEYCTL_JOIN_SESSION_KEYRING.*\)) = \d+/, '$1 = SERIAL')
        .replace(/st_ino=\d+/, 'st_ino=INODE')
        .replace(/setsid\(\) = \d+/, 'setsid() = PID')
        .replace(/process \d+/, 'process PID')
        .replace(/tv_(n?)sec=\d+/g, 'tv_$1sec=TIME')
        .replace(/0x5[0-9a-f]{5}\b/g, 'ADDRESS')
        .replace(/(sendmsg\(.*\)) = \d+/, '$1 = LENGTH')
        .replace(/\\"pid\\":\d+.*iov_len=\d+/, 'PID'),
    );
}
