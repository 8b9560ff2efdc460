// state.json of a container: damaged ones are refused, sound ones stay what they are.

import { parseRecord } from '../../../src/container/state/record-form.ts';
import { holds, same } from '../properties.ts';

const ID = 'c1';

export function fuzz(data: Buffer): void {
  const parsed = parseRecord(data.toString(), ID);
  if ('wrong' in parsed) return holds(/^\w+$/.test(parsed.wrong), `"${parsed.wrong}" names no property`);
  const { record } = parsed;
  holds(record.id === ID, 'it is of another container');
  // kill(2) takes 0 and what is below for whole groups.
  for (const pid of [record.init?.pid, record.creator?.pid, record.pidInside])
    holds(pid === undefined || (Number.isSafeInteger(pid) && pid > 0), `a pid ${pid}`);
  same(parseRecord(JSON.stringify(record), ID), parsed, 'what was written and read again');
}
