// What a misspelt name was meant to be.

/** In names this short, behind what all have in common, two edits make any word of any other. */
const SHORT = 3;

/** The candidate with the fewest edits from `name`, capitals aside; undefined if none is near. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const prefix = commonPrefix([name, ...candidates]);
  const length = name.length - prefix;
  let best: string | undefined;
  let least = (prefix > 0 && length <= SHORT ? 1 : Math.max(2, Math.floor(length / 3))) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = edits(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** How many characters all begin with: SCHED_, of policies. */
function commonPrefix([first = '', ...others]: readonly string[]): number {
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--;
  return length;
}

/** Levenshtein's distance: insertions, deletions and substitutions that make one text of the other. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const substituted = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
