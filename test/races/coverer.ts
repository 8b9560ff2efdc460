// A process that covers /proc of its mount namespace, or a part of it, with files of its own, and uncovers it again, as fast as
// it can until its parent ends. It is given the directory of those files, and tells when it is at work.

import { join } from 'node:path';
import { MNT_DETACH, MS_BIND } from '../../src/linux/constants.ts';
import { cString, syscall } from '../../src/linux/ffi.ts';
import { pause } from '../../src/linux/sleep.ts';
import { SYS } from '../../src/linux/syscalls.ts';

const fake = process.argv[2] ?? '';
const parts = ['', 'sys', 'sys/net', 'sys/net/ipv4/ip_forward'];
const covers = [
  ...parts.map((part) => [join(fake, part), join('/proc', part)]),
  // A part of a procfs is none.
  ['/proc/sys', '/proc'],
].map(([source = '', target = '']) => [cString(source), cString(target)] as const);
const parent = process.ppid;
console.log('at work');
while (process.ppid === parent) {
  for (const [source, target] of covers) {
    syscall(SYS.mount, source, target, null, MS_BIND, null);
    syscall(SYS.umount2, target, MNT_DETACH);
  }
  if (Math.random() < 0.1) pause(1);
}
