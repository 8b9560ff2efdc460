// Names of network devices.

import { IFNAMSIZ } from '../linux/netlink/netlink-constants.ts';

/**
 * What is wrong with a name, as a phrase behind the name; undefined if nothing is. The rules are those of dev_valid_name()
 * in net/core/dev.c.
 */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (Buffer.byteLength(name) >= IFNAMSIZ) return `is longer than ${IFNAMSIZ - 1} bytes`;
  if (name === '.' || name === '..') return 'is the name of a directory';
  if (/[/:\s\0]/.test(name)) return 'contains a slash, a colon or white space';
  return undefined;
}

/** Whether the kernel is to put a number in the place of `%d`. */
export function isTemplate(name: string): boolean {
  return name.includes('%d');
}
