// What the kernel logs of a process that a seccomp filter killed (seccomp(2), actions_logged; audit type 1326).

import { closeSync, openSync, readSync } from 'node:fs';
import { O_NONBLOCK, O_RDONLY } from '../../linux/constants.ts';
import { EPIPE } from '../../linux/errno.ts';
import { errnoOf } from '../../linux/errors.ts';
import { tryLibseccomp } from './libseccomp.ts';

/** linux/audit.h: AUDIT_SECCOMP. */
const AUDIT_SECCOMP = 1326;
/** As long as a record can be (kernel/printk: CONSOLE_EXT_LOG_MAX). */
const RECORD_MAX = 8192;

/** The system call that a process was killed for; undefined where the log is not to be read or says nothing of it. */
export function fatalSyscall(pid: number): string | undefined {
  const record = new RegExp(`\\btype=${AUDIT_SECCOMP} .*\\bpid=${pid} .*\\bsyscall=(\\d+)`);
  const number = kernelLog()
    .map((line) => record.exec(line)?.[1])
    .findLast((found) => found !== undefined);
  if (number === undefined) return undefined;
  return tryLibseccomp()?.nameOf(Number(number)) ?? `number ${number}`;
}

/** /dev/kmsg: a read is a record, the oldest that it still has first. */
function kernelLog(): string[] {
  const records: string[] = [];
  let fd: number;
  try {
    fd = openSync('/dev/kmsg', O_RDONLY | O_NONBLOCK);
  } catch {
    return records;
  }
  const buffer = Buffer.alloc(RECORD_MAX);
  try {
    for (;;) {
      try {
        records.push(buffer.toString('latin1', 0, readSync(fd, buffer)));
      } catch (error) {
        // Records were overwritten before they were read.
        if (errnoOf(error) !== EPIPE) return records;
      }
    }
  } finally {
    closeSync(fd);
  }
}
