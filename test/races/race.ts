// Containers that are created, several at once, while what they are made of is exchanged.

import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type MountInfo, parseMountinfo } from '../../src/linux/mountinfo.ts';
import { command, type Ended } from './command.ts';
import { startRacers, stopRacers } from './racers.ts';
import { type Scenario, strayDirectories } from './scenarios.ts';
import { World } from './world.ts';

/** How many processes create containers. */
const CREATORS = 2;

export interface Outcome {
  created: number;
  /** Errors of `create`, and how often each was. */
  refused: ReadonlyMap<string, number>;
  /** What must not be. */
  wrong: readonly string[];
}

/** How many containers, and for how long at most. */
export interface Measure {
  creates: number;
  milliseconds?: number;
}

/** Creates that many containers, each of which is created well, or not at all with an error that says why. */
export async function race(scenario: Scenario, measure: Measure): Promise<Outcome> {
  const world = new World();
  try {
    const started = new Race(world, scenario);
    return await started.run(measure);
  } finally {
    world.close();
  }
}

class Race {
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #consoleSocket: string;
  /** Filesystems and their roots, as containers have them that nobody disturbs. */
  #usual = new Set<string>();
  #created = 0;
  readonly #refused = new Map<string, number>();
  readonly #wrong: string[] = [];

  constructor(world: World, scenario: Scenario) {
    this.#world = world;
    this.#scenario = scenario;
    this.#consoleSocket = join(world.box.directory, 'console.sock');
    mkdirSync(join(world.box.directory, 'configs'));
  }

  async run({ creates, milliseconds = Number.POSITIVE_INFINITY }: Measure): Promise<Outcome> {
    const { box } = this.#world;
    const { containers } = this.#scenario;
    const pairs = this.#scenario.prepare(this.#world);
    for (const [i, { change }] of containers.entries()) {
      box.configure('sleep 1000', change(this.#world));
      renameSync(join(box.bundle, 'config.json'), this.#config(i));
    }
    const consoles = await listen(this.#consoleSocket);
    for (let i = 0; i < containers.length; i++) await this.#createUndisturbed(i);
    const before = this.#world.look();
    const racers = await startRacers(pairs);
    const end = performance.now() + milliseconds;
    let next = 0;
    await Promise.all(
      Array.from({ length: CREATORS }, async () => {
        while (next < creates && performance.now() < end) await this.#create(next++);
      }),
    );
    await stopRacers(racers);
    consoles.close();
    this.#compare(before);
    return { created: this.#created, refused: this.#refused, wrong: this.#wrong };
  }

  #config(i: number): string {
    return join(this.#world.box.directory, 'configs', `${i}.json`);
  }

  /** What is usual, and makes what is missing in the image. */
  async #createUndisturbed(i: number): Promise<void> {
    const { id, status, stderr, pid } = await this.#command(i);
    if (status !== 0) throw new Error(`container ${i} is not created where nobody disturbs: ${stderr}`);
    for (const mount of mountsOf(pid)) this.#usual.add(kindOf(mount));
    await this.#delete(id);
  }

  async #create(i: number): Promise<void> {
    const { id, status, stderr, pid } = await this.#command(i % this.#scenario.containers.length);
    if (status === 0) {
      this.#created++;
      this.#wrong.push(...this.#look(pid).map((what) => `${id}: ${what}`));
      await this.#delete(id);
      return;
    }
    if (status === null) this.#wrong.push(`${id}: create was killed: it waits for ever`);
    // One line of tsoci's own for the failure; there may be warnings.
    if (!/^tsoci: (?!warning)/m.test(stderr) || /^ +at |internal error/m.test(stderr))
      this.#wrong.push(`${id}: no clear error: ${stderr}`);
    const kind = stderr.trim().replaceAll(id, 'ID').replaceAll(this.#world.box.directory, '');
    this.#refused.set(kind, (this.#refused.get(kind) ?? 0) + 1);
    if (existsSync(join(this.#world.box.root, id))) this.#wrong.push(`${id}: it is kept after ${stderr}`);
  }

  async #command(i: number): Promise<Ended & { id: string; pid: number }> {
    const { box } = this.#world;
    const id = box.id();
    const pidFile = join(box.directory, `${id}.pid`);
    const config = ['--bundle', box.bundle, '--config', this.#config(i), '--pid-file', pidFile];
    const asked = readFileSync(this.#config(i), 'utf8').includes('"terminal":true');
    const socket = asked ? ['--console-socket', this.#consoleSocket] : [];
    const { options = [] } = this.#scenario.containers[i] ?? {};
    const ended = await command(box, ['create', ...config, ...socket, ...options, id]);
    if (ended.status !== 0) return { id, ...ended, pid: 0 };
    const pid = Number(readFileSync(pidFile, 'utf8'));
    unlinkSync(pidFile);
    return { id, ...ended, pid };
  }

  async #delete(id: string): Promise<void> {
    const { status, stderr } = await command(this.#world.box, ['delete', '--force', id]);
    if (status !== 0) this.#wrong.push(`${id}: delete: ${stderr}`);
  }

  /** What a container has mounted that it would not have, had nobody disturbed. */
  #look(pid: number): string[] {
    const mounts = mountsOf(pid);
    const strange = mounts
      .filter((mount) => !this.#usual.has(kindOf(mount)))
      .filter(({ mountPoint }) => !(this.#scenario.rootOutside && mountPoint === '/'))
      .map((mount) => `${kindOf(mount)} is mounted on ${mount.mountPoint}`);
    return [...strange, ...(this.#scenario.wrong?.(this.#world, pid, mounts) ?? [])];
  }

  #compare(before: ReturnType<World['look']>): void {
    const after = this.#world.look();
    const differ = (what: string, old: readonly string[], now: readonly string[]) => {
      for (const line of now.filter((each) => !old.includes(each))) this.#wrong.push(`${what}: new: ${line}`);
      for (const line of old.filter((each) => !now.includes(each)))
        this.#wrong.push(`${what}: gone: ${line}`);
    };
    differ('mounts of the host', before.mounts, after.mounts);
    if (!this.#scenario.rootOutside) differ('files of the host', before.files, after.files);
    for (const path of strayDirectories(this.#world)) this.#wrong.push(`made on the host: ${path}`);
    const { box } = this.#world;
    const left = box.leftovers().filter((line) => !line.includes(this.#world.outside));
    for (const line of left) this.#wrong.push(`left behind: ${line}`);
  }
}

function mountsOf(pid: number): MountInfo[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** Of a new filesystem its type; of a bind mount also what of it is mounted. */
function kindOf({ type, root }: MountInfo): string {
  // A pseudoterminal of its own has a number, a cgroup its id.
  return `${type} ${type === 'devpts' || type === 'cgroup2' ? '' : root}`;
}

/** A console socket that takes terminals and lets go of them. */
async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.on('data', () => socket.destroy()).on('error', () => {}));
  server.listen(path);
  await once(server, 'listening');
  return server;
}
