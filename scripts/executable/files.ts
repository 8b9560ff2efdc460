// The files of a built tsoci, which find one another in one directory, or as they are installed.

import { launcherImages } from '../../src/launcher/images.ts';

export const launcher = 'tsoci';
export const runtime = 'tsoci-runtime';
export const addon = 'tsoci.node';
export const files = [launcher, runtime, addon];

export function launcherImage(architecture: string): Buffer {
  return Buffer.from(launcherImages[architecture === 'arm64' ? 'arm64' : 'x64'], 'base64');
}
