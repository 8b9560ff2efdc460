// Small questions that several rules ask.

/** A value as a message shows it; long ones are cut. */
export function quote(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

export function isAbsolute(path: string): boolean {
  return path.startsWith('/');
}

/** Length in UTF-8, as the kernel counts. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

const list = /^\d+(-\d+)?(,\d+(-\d+)?)*$/;

/** Whether a text is a list of CPUs or memory nodes as the specification has it, such as 0-3,7; spaces aside. */
export function isIdList(text: string): boolean {
  const dense = text.replaceAll(' ', '');
  if (!list.test(dense)) return false;
  return dense.split(',').every((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return first !== undefined && last !== undefined && first <= last;
  });
}

/** No user or group id: calls such as setresuid(2) and chown(2) take it for "leave as it is". */
export const NO_ID = 0xffffffff;

/** NAME=value, in `env` lists. */
export function isEnvironmentEntry(entry: string): boolean {
  return entry.indexOf('=') > 0;
}
