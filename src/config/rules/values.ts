// Small questions that several rules ask.

const QUOTE_MAX = 80;

/** A value as a message shows it: long ones are cut, and of a list or an object only its kind is told. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > QUOTE_MAX ? `${text.slice(0, QUOTE_MAX - 1)}…` : text;
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
