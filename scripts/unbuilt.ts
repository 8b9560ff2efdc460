// The sources as a program: build/unbuilt/tsoci is the launcher, and the runtime beside it is Node with src/main.ts.
//
//   npm run dev -- ARGUMENT…     runs it

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launcher, launcherImage, runtime } from './executable/files.ts';
import { root } from './repository.ts';

/** The path of the launcher; what is not as it should be is written anew. */
export function unbuilt(): string {
  const directory = join(root, 'build', 'unbuilt');
  mkdirSync(directory, { recursive: true });
  const script = `#!/bin/sh\nexec ${process.execPath} ${join(root, 'src', 'main.ts')}\n`;
  put(join(directory, runtime), Buffer.from(script));
  const path = join(directory, launcher);
  put(path, launcherImage(process.arch));
  return path;
}

/** Others may execute it at this moment, or write it as we do. */
function put(path: string, content: Buffer): void {
  if (existsSync(path) && readFileSync(path).equals(content)) return;
  const next = `${path}.${process.pid}`;
  writeFileSync(next, content, { mode: 0o755 });
  renameSync(next, path);
}

if (import.meta.main) {
  const { status, signal, error } = spawnSync(unbuilt(), process.argv.slice(2), { stdio: 'inherit' });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
}
