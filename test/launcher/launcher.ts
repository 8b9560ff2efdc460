// A launcher with a runtime of the test's own, beside which nothing else is needed.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launcherImages } from '../../src/launcher/images.ts';

/** Writes a launcher into a directory, and a runtime: a script of this one, run by Node. The launcher's path. */
export function placeLauncher(directory: string, script: string, architecture: 'x64' | 'arm64'): string {
  const path = join(directory, 'tsoci');
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, Buffer.from(launcherImages[architecture], 'base64'), { mode: 0o755 });
  const runtime = `#!/bin/sh\nexec ${process.execPath} ${join(import.meta.dirname, script)} ${architecture}\n`;
  writeFileSync(join(directory, 'tsoci-runtime'), runtime, { mode: 0o755 });
  return path;
}
