// What must be so of a server after a fault of a command that it has served.

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { recordOf, ServerRecord } from '../../src/launcher/server-record.ts';
import { eventually } from '../container/harness.ts';
import type { ServedSandbox, Status } from '../launcher/server.ts';

/** Why the server is not ready for the next command; empty when it is. */
export function settled(box: ServedSandbox): string[] {
  const states = () => [...new ServerRecord(record).workers().values()].map(({ state }) => state);
  const record = openSync(recordOf(box.socket), 'r');
  try {
    const isReady = () => {
      const all = states();
      return all.length > 0 && all.length === box.workers().length && all.every((state) => state === 'idle');
    };
    eventually('all workers are idle, and none is dead', isReady);
    return [];
  } catch {
    return [`workers are ${states().join(', ')}`];
  } finally {
    closeSync(record);
  }
}

/** What is wrong of what the server tells of itself, and what it should not have said. */
export function serverComplaints(box: ServedSandbox): string[] {
  const wrong: string[] = [];
  let mistake: string | undefined;
  try {
    // A worker that is one too many may be going.
    eventually('serve --status is right', () => {
      mistake = mistakeOfStatus(box);
      return mistake === undefined;
    });
  } catch {
    wrong.push(`serve --status: ${mistake}`);
  }
  const messages = readFileSync(box.messages, 'utf8');
  // Beside that its engine may tell what it cannot do without.
  if (/has left open|^ +at .*bunfs/m.test(messages)) wrong.push(`the server has said: ${messages}`);
  writeFileSync(box.messages, '');
  return wrong;
}

/** It is asked of the server itself. */
function mistakeOfStatus(box: ServedSandbox): string | undefined {
  const { status, stdout, stderr } = box.tsoci('serve', '--status', '--format', 'json');
  if (status !== 0) return stderr;
  const { pid, workers }: Status = JSON.parse(stdout);
  if (pid !== box.server.pid) return `it tells of server ${pid}, and it is ${box.server.pid}`;
  const alive = box.workers();
  const told = workers.map((worker) => worker.pid);
  if (told.length !== alive.length || !told.every((one) => alive.includes(one)))
    return `it tells of workers ${told.join(', ')}, and they are ${alive.join(', ')}`;
  // The one that has answered.
  const busy = workers.filter(({ state }) => state !== 'idle');
  const right = busy.length === 1 && busy[0]?.command.includes(' serve --status');
  return right ? undefined : `it tells of work that nobody does: ${JSON.stringify(busy)}`;
}
