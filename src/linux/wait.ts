// How a process ended (wait(2)).

export interface WaitStatus {
  /** The exit status, when the process exited. */
  code: number;
  /** The number of the signal that killed it, 0 if none did. */
  signal: number;
}

/** The status that wait4(2) writes. */
export function waitStatus(bytes: Buffer): WaitStatus {
  const word = bytes.readInt32LE(0);
  return { code: (word >> 8) & 0xff, signal: word & 0x7f };
}
