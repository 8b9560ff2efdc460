// /proc/PID/mountinfo, whose paths and options are whatever somebody has mounted.

import { mountPointOf, parseMountinfo } from '../../../src/linux/mountinfo.ts';
import { holds } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const text = data.toString();
  for (const { options, propagation, superblock } of parseMountinfo(text))
    holds([options, propagation, superblock].every(Array.isArray), 'a mount without its lists');
  const path = '/a/b/c';
  const holder = mountPointOf(text, path);
  holds(
    holder === '/' || path === holder || path.startsWith(`${holder}/`),
    `${holder} does not hold ${path}`,
  );
}
