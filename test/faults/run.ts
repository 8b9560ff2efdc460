// npm run faults [-- --most N] [--only PLACE:COMMAND:CALL:NTH:ERRNO…] [--place PLACE…]: each system call of each command fails
// once, and is once the last that its process begins; with a runtime of its own and with a server. Ends with
// `N passed, N failed`. Too much for `npm test`: some 6,000 commands.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Sandbox } from '../container/harness.ts';
import { missingStrace } from '../container/strace.ts';
import { enterPrivateRun, ServedSandbox } from '../launcher/server.ts';
import { complaints, trace } from './attempt.ts';
import { type Command, commands } from './commands.ts';
import { nameOf, type Place, places, pointsOf } from './points.ts';

const { values } = parseArgs({
  options: {
    /** How many calls of one name are tried in a command. */
    most: { type: 'string', default: '12' },
    only: { type: 'string', multiple: true },
    place: { type: 'string', multiple: true },
    /** This process does every nth point: `i/n`. */
    shard: { type: 'string' },
  },
});

if (missingStrace) {
  console.log(`skip: ${missingStrace}\n0 passed, 0 failed, 1 skipped`);
} else if (values.shard !== undefined) {
  enterPrivateRun(import.meta.filename);
  await tryAll(values.shard);
} else await divide(availableParallelism());

/** Tries the points of a shard, and tells what is wrong; the last line is `passed failed`. */
async function tryAll(shard: string): Promise<void> {
  const counts = { passed: 0, failed: 0 };
  for (const place of places.filter(isWanted)) {
    const box = place === 'cold' ? new Sandbox() : new ServedSandbox();
    try {
      if (box instanceof ServedSandbox) box.serve(1);
      for (const command of commands) await tryCommand(box, place, command, shard, counts);
    } finally {
      box.close();
    }
  }
  console.log(`${counts.passed} ${counts.failed}`);
}

async function tryCommand(
  box: Sandbox,
  place: Place,
  command: Command,
  shard: string,
  counts: { passed: number; failed: number },
): Promise<void> {
  const [index = 0, of = 1] = shard.split('/').map(Number);
  const points = pointsOf(place, command.name, trace(box, place, command), Number(values.most));
  if (points.length === 0) throw new Error(`strace has shown no call of ${command.name}`);
  for (const [i, point] of points.entries()) {
    if (i % of !== index || (values.only && !values.only.includes(nameOf(point)))) continue;
    const wrong = complaints(box, command, point);
    if (wrong.length === 0) counts.passed++;
    else counts.failed++;
    for (const line of wrong) console.log(`not ok ${nameOf(point)}: ${line}`);
    // Children that have ended are forgotten.
    await new Promise(setImmediate);
  }
}

function isWanted(place: Place): boolean {
  return values.place === undefined || values.place.includes(place);
}

/** A process for each shard; what they tell is told at once. */
async function divide(shards: number): Promise<void> {
  let [passed, failed] = [0, 0];
  const all = Array.from({ length: shards }, async (_, i) => {
    const args = [import.meta.filename, ...process.argv.slice(2), '--shard', `${i}/${shards}`];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(child.stdout)) {
      const counts = /^(\d+) (\d+)$/.exec(line);
      if (!counts) console.log(line);
      passed += Number(counts?.[1] ?? 0);
      failed += Number(counts?.[2] ?? 0);
    }
    if (child.exitCode === null) await once(child, 'exit');
    // It has told why.
    if (child.exitCode !== 0) failed++;
  });
  await Promise.all(all);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
