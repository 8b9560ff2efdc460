// Calls that are one step: a bounding set is given up by a call for each capability, forty of them in a row.

import { PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, PR_CAPBSET_DROP } from '../linux/constants.ts';
import { showArguments } from './calls.ts';
import type { Decoded } from './exchange.ts';

/** Calls in a row that are shown as one, since they differ in one argument alone; its place, -1 for a call by itself. */
export interface Folded {
  readonly calls: readonly [Decoded, ...Decoded[]];
  readonly varies: number;
}

export function fold(calls: readonly Decoded[]): Folded[] {
  const folded: { calls: [Decoded, ...Decoded[]]; varies: number }[] = [];
  for (const call of calls) {
    const varies = placeOfCapability(call);
    const row = folded.at(-1);
    if (row && varies >= 0 && isAlike(row.calls[0], call, varies)) row.calls.push(call);
    else folded.push({ calls: [call], varies });
  }
  return folded;
}

/** The place of a capability among the arguments of prctl(2). */
function placeOfCapability({ operation, call: { args } }: Decoded): number {
  if (operation.call !== 'prctl') return -1;
  if (args[0] === BigInt(PR_CAPBSET_DROP)) return 1;
  return args[0] === BigInt(PR_CAP_AMBIENT) && args[1] === BigInt(PR_CAP_AMBIENT_RAISE) ? 2 : -1;
}

function isAlike(one: Decoded, other: Decoded, varies: number): boolean {
  return (
    one.operation.call === other.operation.call &&
    one.operation.property === other.operation.property &&
    one.call.result === other.call.result &&
    one.call.args.every((word, i) => i === varies || word === other.call.args[i])
  );
}

/** `prctl(PR_CAPBSET_DROP, CAP_MKNOD|CAP_SYSLOG, 0, 0, 0)`, as the kernel takes flags elsewhere. */
export function showFolded({ calls, varies }: Folded): string {
  const [first] = calls;
  const all = calls.map(({ operation, call }) => showArguments(operation.call, call));
  const shown = all[0]?.map((text, i) => (i === varies ? all.map((each) => each[i]).join('|') : text)) ?? [];
  return `${first.operation.call}(${shown.join(', ')})`;
}
