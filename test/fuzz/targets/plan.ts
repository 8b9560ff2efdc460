// config.json as far as to the system calls that it comes to (src/plan): all that `create` and `start` decide.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Caller } from '../../../src/launcher/caller.ts';
import { planContainer } from '../../../src/plan/plan-container.ts';
import { plainCaller, plainOptions } from '../../container/plain-creation.ts';
import { holds, unlessRefusedLater } from '../properties.ts';

const bundle = mkdtempSync(join(tmpdir(), 'tsoci-fuzz-plan-'));
process.on('exit', () => rmSync(bundle, { recursive: true }));
// What the configs of the corpus name.
for (const name of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp'])
  mkdirSync(join(bundle, 'r', name), { recursive: true });
writeFileSync(join(bundle, 'r', 'a'), '#!/a\n');
chmodSync(join(bundle, 'r', 'a'), 0o755);

const options = {
  ...plainOptions,
  root: '/run/nowhere',
  id: 'c1',
  bundle,
  rootless: 'auto',
  filter: undefined,
} as const;

export async function fuzz(data: Buffer): Promise<void> {
  writeFileSync(join(bundle, 'config.json'), data);
  let lines = 0;
  const write = (more: readonly unknown[]) => {
    lines += more.length;
  };
  const planned = await unlessRefusedLater(
    () => planContainer(plainCaller as Caller, { ...options, write }),
    data,
  );
  holds(!planned || lines > 0, 'a container without a system call');
}
