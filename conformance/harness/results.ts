// The results of a run as a file, for table.ts.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Outcome } from './runner.ts';
import type { Runtime } from './runtime.ts';
import { type Known, type Summary, summarize } from './tap.ts';

export interface Results {
  name: string;
  version: string;
  summary: Summary;
  results: (Pick<Outcome, 'id' | 'status' | 'reason'> & { known?: string })[];
}

export function writeResults(
  file: string,
  runtime: Runtime,
  outcomes: readonly Outcome[],
  known: Known,
): void {
  const { name, version } = runtime;
  const results = outcomes.map(({ id, status, reason }) => ({ id, status, reason, known: known[id] }));
  mkdirSync(dirname(file), { recursive: true });
  const text = JSON.stringify({ name, version, summary: summarize(outcomes, known), results }, null, 2);
  writeFileSync(file, `${text}\n`);
}
