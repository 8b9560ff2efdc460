// Results as the Test Anything Protocol, version 13.

import type { Check } from './check.ts';
import type { Outcome } from './runner.ts';

/** Check id → why this runtime is known to fail it. */
export type Known = Readonly<Record<string, string>>;

export function tapHeader(count: number): string {
  return `TAP version 13\n1..${count}`;
}

export function tapLine(check: Check, outcome: Outcome, number: number, known: Known): string {
  const { status, reason = '', left = [] } = outcome;
  const ok = status === 'fail' ? 'not ok' : 'ok';
  const expected = known[check.id];
  const directive =
    status === 'skip' ? ` # SKIP ${oneLine(reason)}` : expected === undefined ? '' : ` # TODO ${expected}`;
  const about = `${check.id}: ${check.requirement} (${check.section})`.replaceAll('#', '\\#');
  const lines = [`${ok} ${number} - ${about}${directive}`];
  if (status === 'fail') lines.push('  ---', `  message: ${JSON.stringify(reason)}`, '  ...');
  if (left.length > 0) lines.push(`# left behind: ${left.join(', ')}`);
  return lines.join('\n');
}

export interface Summary {
  passed: number;
  /** Not counting the known failures. */
  failed: number;
  skipped: number;
  known: number;
}

export function summarize(outcomes: readonly Outcome[], known: Known): Summary {
  const count = (test: (outcome: Outcome) => boolean) => outcomes.filter(test).length;
  return {
    passed: count(({ status }) => status === 'pass'),
    failed: count(({ status, id }) => status === 'fail' && known[id] === undefined),
    skipped: count(({ status }) => status === 'skip'),
    known: count(({ status, id }) => status === 'fail' && known[id] !== undefined),
  };
}

export function tapSummary({ passed, failed, skipped, known }: Summary): string {
  const expected = known > 0 ? `# ${known} known failures\n` : '';
  return `${expected}${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
