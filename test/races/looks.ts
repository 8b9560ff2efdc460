// Processes that come into a container where another looks at them (hostile.ts).

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Mount } from '../../src/config/generated/types.ts';
import { type Change, eventually, Sandbox } from '../container/harness.ts';
import { command } from './command.ts';
import type { Look, Report } from './hostile.ts';

const project = join(import.meta.dirname, '..', '..');
const WORD = 'HOST_WORD=of-the-caller';

export interface Hostile {
  name: string;
  cve: string;
  change: Change;
  /** Whether it has the right to trace who comes in. */
  traces: boolean;
}

const tracing: Change = ({ process }) => {
  const held = ['CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];
  process.capabilities = { bounding: held, effective: held, permitted: held };
};

/** Root of the container is root of the host, as the owner of files: it is the namespace that keeps it from those who come in. */
const ownRoot: Change = (config) => {
  tracing(config);
  config.linux.namespaces?.push({ type: 'user' });
  config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
};

export const hostiles: readonly Hostile[] = [
  { name: 'the root of a container', cve: 'CVE-2019-5736', change: () => {}, traces: false },
  { name: 'one with CAP_SYS_PTRACE,', cve: 'CVE-2024-21626', change: tracing, traces: true },
  {
    name: 'one with CAP_SYS_PTRACE in a user namespace',
    cve: 'CVE-2019-5736',
    change: ownRoot,
    traces: false,
  },
];

/** Has processes come in until there were that many looks at them, or that much time; what is wrong, and how often was looked. */
export async function looks(
  { change, traces }: Hostile,
  { most, milliseconds }: { most: number; milliseconds: number },
): Promise<{ report: Report; entered: number; wrong: string[] }> {
  const box = new Sandbox();
  const secret = join(box.directory, 'secret');
  writeFileSync(secret, 'of the host');
  const [stop, told] = ['stop', 'report'].map((name) => join(box.rootfs, name)) as [string, string];
  const wrong: string[] = [];
  const total: Report = { seen: 0, looks: 0, traced: 0, got: [] };
  let entered = 0;
  try {
    box.configure('', (config) => {
      const look: Look = { secret, word: WORD, program: 'true' };
      config.process.args = [process.execPath, join(import.meta.dirname, 'hostile.ts'), JSON.stringify(look)];
      config.process.env = ['PATH=/bin'];
      // It is to be there when somebody comes in, also where others want the processor.
      config.process.scheduler = { policy: 'SCHED_OTHER', nice: -15 };
      config.mounts?.push(...programs());
      change(config);
    });
    const end = performance.now() + milliseconds;
    while (total.looks < most && performance.now() < end) {
      const id = box.id();
      for (const path of [stop, told]) rmSync(path, { force: true });
      const started = await command(box, ['run', '--detach', '--bundle', box.bundle, id]);
      if (started.status !== 0) throw new Error(started.stderr);
      const enter = async () => {
        for (let i = 0; i < ENTERING / AT_ONCE; i++) {
          const { status, stderr } = await command(box, ['exec', id, '/bin/true'], { HOST_WORD: WORD });
          if (status !== 0) wrong.push(`exec: ${status} ${stderr}`);
          entered++;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, enter));
      writeFileSync(stop, '');
      eventually('it reports', () => existsSync(told));
      const { seen, looks, traced, got }: Report = JSON.parse(readFileSync(told, 'utf8'));
      total.seen += seen;
      total.looks += looks;
      total.traced += traced;
      total.got.push(...got);
      const deleted = await command(box, ['delete', '--force', id]);
      if (deleted.status !== 0) wrong.push(deleted.stderr);
    }
    wrong.push(...new Set(total.got));
    if (total.traced > 0 && !traces) wrong.push(`it has traced who came in ${total.traced} times`);
    return { report: total, entered, wrong: [...wrong, ...box.leftovers()] };
  } finally {
    box.close();
  }
}

/** How many come into one container. */
const ENTERING = 20;
const AT_ONCE = 2;

/** What Node and this project take to run in the container. */
function programs(): Mount[] {
  const wanted = ['/usr', '/lib', '/lib64', project, dirname(process.execPath)];
  const places = wanted.filter(
    (path) => existsSync(path) && !wanted.some((other) => other !== path && path.startsWith(`${other}/`)),
  );
  return places.map((path) => ({
    destination: path,
    type: 'bind',
    source: path,
    options: ['rbind', 'ro'],
  }));
}
