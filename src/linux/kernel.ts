// The version of the kernel that runs, where what it can do is not better asked by trying.

import { release } from 'node:os';
import { TsociError } from './errors.ts';

/** The oldest that containers are made on: mount_setattr(2) and its use on detached mounts are complete, cgroup.kill is there. */
const OLDEST = '5.14';

/** Whether a kernel of this release is `version` ("5.14") or later. */
export function isKernelSince(version: string, kernelRelease: string): boolean {
  const numbers = (text: string) => text.split('.').map(Number.parseFloat);
  const [major = 0, minor = 0] = numbers(kernelRelease);
  const [sinceMajor = 0, sinceMinor = 0] = numbers(version);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** Why containers cannot be made on a kernel of this release; undefined if they can. */
export function whyTooOld(kernelRelease: string): string | undefined {
  return isKernelSince(OLDEST, kernelRelease) ? undefined : `tsoci needs Linux ${OLDEST} or later`;
}

/** In place of the ENOSYS of whatever call comes first. */
export function requireKernel(kernelRelease: string = release()): void {
  const reason = whyTooOld(kernelRelease);
  if (reason) throw new TsociError(`Linux ${kernelRelease} is too old: ${reason}`);
}
