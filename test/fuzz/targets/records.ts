// Files that tsoci keeps beside those of containers: what a server does, which addresses are taken; and a log as the library
// reads it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverStatus } from '../../../src/cli/server-status.ts';
import type { Caller } from '../../../src/launcher/caller.ts';
import { recordOf } from '../../../src/launcher/server-record.ts';
import { failureOf, readLog, tell } from '../../../src/library/json-log.ts';
import { identify } from '../../../src/linux/procfs.ts';
import { listLeases } from '../../../src/network/list-attachments.ts';
import { readNetworks } from '../../../src/network/network-store.ts';
import { holds, unlessRefused } from '../properties.ts';

const directory = mkdtempSync(join(tmpdir(), 'tsoci-fuzz-records-'));
process.on('exit', () => rmSync(directory, { recursive: true }));
const socket = join(directory, 'socket');
const counts = { served: 0, refused: 0, gone: 0 };
const server = { ...identify(process.pid), version: '1', since: 0, ...counts };

export function fuzz(data: Buffer): void {
  for (const before of ['', `${JSON.stringify(server)}\n`]) {
    writeFileSync(recordOf(socket), Buffer.concat([Buffer.from(before), data]));
    for (const format of ['table', 'json'] as const)
      unlessRefused(() => serverStatus({} as Caller, socket, format), data);
  }
  writeFileSync(join(directory, 'leases.json'), data);
  unlessRefused(() => listLeases(readNetworks(directory)), data);
  const lines = readLog(data.toString());
  tell(lines, ({ message }) => holds(typeof message === 'string', 'a message that is no text'));
  holds(typeof failureOf('run', lines, 'exit 1').message === 'string', 'an error without a message');
}
