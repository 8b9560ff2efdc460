// How many workers a server is to have: decided by what its record says of them.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MOST_WORKERS, type WorkerRecord } from '../../src/launcher/server-record.ts';
import { needOf } from '../../src/launcher/worker-pool.ts';

const test = suite('launcher: worker pool');

const NEVER = Number.POSITIVE_INFINITY;

/** States, each with its age in milliseconds: `idle 5`. Slots count from 1. */
function need(count: number, ...workers: string[]) {
  const records = workers.map((text, i): [number, WorkerRecord] => {
    const [state, age] = text.split(' ') as [WorkerRecord['state'], string];
    const counts = { served: 0, refused: 0, gone: 0 };
    return [i + 1, { pid: i + 100, state, since: 1_000_000 - Number(age), command: '', ...counts }];
  });
  return needOf(new Map(records), count, 1_000_000);
}

const cases: [what: string, count: number, workers: string[], wanted: ReturnType<typeof needOf>][] = [
  ['none is there: all are started', 2, [], { start: 2, again: 100 }],
  ['all are idle: nothing is done', 2, ['idle 9', 'idle 99999'], { start: 0, again: NEVER }],
  ['one that is starting is one', 2, ['idle 9', 'starting 50'], { start: 0, again: NEVER }],
  ['all serve short commands: they are looked at again', 2, ['busy 9', 'busy 9'], { start: 0, again: 100 }],
  ['one command lasts: another worker is started', 2, ['busy 100', 'idle 9'], { start: 1, again: 100 }],
  ['all last', 2, ['busy 500', 'busy 700'], { start: 2, again: 100 }],
  ['one that lasts, and two that are free', 2, ['busy 500', 'idle 9', 'idle 9'], { start: 0, again: NEVER }],
  ['one is idle too many: for a while', 1, ['idle 9', 'idle 4000'], { start: 0, again: 6000 }],
  ['one is idle too many: it ends', 1, ['idle 9', 'idle 10000'], { start: 0, retire: 2, again: 10_000 }],
  [
    'there are as many as there may be',
    2,
    Array.from({ length: MOST_WORKERS }, () => 'busy 500'),
    { start: 0, again: NEVER },
  ],
  [
    'there is room for one',
    2,
    Array.from({ length: MOST_WORKERS - 1 }, () => 'busy 500'),
    { start: 1, again: 100 },
  ],
];
for (const [what, count, workers, wanted] of cases)
  test(what, () => {
    assert.equal(need(count, ...workers), wanted);
  });

test.run();
