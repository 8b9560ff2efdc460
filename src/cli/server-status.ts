// What `tsoci serve --status` shows.

import { readFileSync } from 'node:fs';
import type { Caller } from '../launcher/caller.ts';
import { type Counts, readRecord } from '../launcher/server-record.ts';
import { serverSocket } from '../launcher/server-socket.ts';
import { table } from './table.ts';

/** Throws TsociError when there is no server. */
export function serverStatus(caller: Caller, given: string | undefined, format: 'table' | 'json'): string {
  const socket = given ?? serverSocket(caller);
  const { server, workers } = readRecord(socket);
  const total = (count: keyof Counts) => workers.reduce((sum, worker) => sum + worker[count], server[count]);
  const status = {
    socket,
    pid: server.pid,
    version: server.version,
    since: new Date(server.since).toISOString(),
    served: total('served'),
    refused: total('refused'),
    gone: total('gone'),
    workers: workers.map(({ pid, state, since, command, served }) => ({
      pid,
      state,
      since: new Date(since).toISOString(),
      served,
      memory: memoryOf(pid),
      command,
    })),
  };
  return format === 'json' ? `${JSON.stringify(status)}\n` : tables(status);
}

interface Status extends Counts {
  socket: string;
  pid: number;
  version: string;
  since: string;
  workers: { pid: number; state: string; since: string; served: number; memory: number; command: string }[];
}

function tables({ workers, ...server }: Status): string {
  const facts = [
    ['socket', server.socket],
    ['pid', String(server.pid)],
    ['version', server.version],
    ['since', server.since],
    ['served', String(server.served)],
    ['refused', `${server.refused} (no business of this server's: see tsoci serve --help)`],
    ['gone', `${server.gone} (waited too long for a worker)`],
  ];
  const rows = workers.map(({ pid, state, since, served, memory, command }) => [
    String(pid),
    state,
    since,
    String(served),
    `${(memory / 2 ** 20).toFixed(1)} MiB`,
    state === 'busy' ? command : `(${command || 'none'})`,
  ]);
  const heads = ['WORKER', 'STATE', 'SINCE', 'SERVED', 'MEMORY', 'COMMAND (THE LAST)'];
  return `${table(facts)}\n${table([heads, ...rows])}`;
}

/** Bytes that a process has for itself, and its share of those that it has with others (proc_pid_smaps_rollup: Pss). */
function memoryOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    return Number(/^Pss: +(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
