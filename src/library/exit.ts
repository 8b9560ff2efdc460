// How a process has ended.

import { constants } from 'node:os';

/** How the process of a container, or another that was executed in it, has ended. */
export interface Exit {
  /** Its exit status, or 128 and the number of the signal that killed it, as shells have it. */
  readonly code: number;
  /** The signal, where `code` is that of one. A process that exits with such a status by itself looks the same. */
  readonly signal: NodeJS.Signals | undefined;
  /** Who has ended it, where it was neither itself nor somebody's kill: the OOM killer, the seccomp filter. */
  readonly reason: string | undefined;
}

const SIGNALS = 128;

export function exitOf(code: number, reason: string | undefined): Exit {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === code - SIGNALS) ?? [];
  return { code, signal: signal as NodeJS.Signals | undefined, reason };
}
