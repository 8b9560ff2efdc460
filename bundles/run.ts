// Builds a bundle in a directory of its own, runs its containers with tsoci, and removes all of it.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyExecutable } from '../scripts/executable/copy.ts';
import { stringifyJson } from '../src/config/stringify.ts';
import { type Bundle, type Container, type Host, makeRootfs } from './bundle.ts';

const tsoci = process.env.TSOCI ?? join(import.meta.dirname, '..', 'dist', 'tsoci');
/** Who runs a rootless bundle when root asks for it: nobody. */
const NOBODY = 65534;

export interface RunOptions {
  /** Make the containers as an ordinary user can, also if root asks. */
  rootless?: boolean;
  /** Show the commands that are run. */
  verbose?: boolean;
  /** Write the bundle here and leave it, instead of running it. */
  output?: string | undefined;
}

/** Runs a bundle; its exit status, that of the last container. */
export function runBundle(
  bundle: Bundle,
  { rootless = false, verbose = false, output }: RunOptions = {},
): number {
  if (!existsSync(tsoci)) throw new Error(`${tsoci} is missing: npm run build`);
  const host = thisHost(rootless);
  const directory = output ?? mkdtempSync(join(tmpdir(), 'tsoci-bundle-'));
  if (output) mkdirSync(output, { recursive: true });
  chmodSync(directory, 0o755);
  const commands = new Commands(directory, host, verbose);
  // Signals of the terminal reach tsoci too. We stay, to clean up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  try {
    makeRootfs(join(directory, 'rootfs'));
    // What containers mount files of the host on.
    writeFileSync(join(directory, 'rootfs', 'opt', 'node'), '');
    if (host.uid !== process.geteuid?.()) chownAll(directory, host);
    let status = 0;
    for (const container of bundle.containers) {
      const file = bundle.containers.length === 1 ? 'config.json' : `config-${container.name}.json`;
      const pid = (name: string): number => (output ? 0 : commands.pid(name));
      writeFileSync(join(directory, file), pretty(container.config(host, pid)));
      if (output) continue;
      status = commands.run(container, file);
      if (status !== 0) break;
    }
    return status;
  } finally {
    if (!output) {
      commands.deleteAll();
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

/** The host as a bundle sees it. */
export function thisHost(rootless: boolean): Host {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const terminal = process.stdin.isTTY === true;
  if (uid !== 0) return { uid, gid, rootless: true, terminal };
  return rootless ? { uid: NOBODY, gid: NOBODY, rootless, terminal } : { uid, gid, rootless, terminal };
}

class Commands {
  readonly #directory: string;
  readonly #state: string;
  readonly #host: Host;
  readonly #verbose: boolean;
  readonly #prefix = `b${process.pid}-`;
  readonly #executable: string;

  constructor(directory: string, host: Host, verbose: boolean) {
    this.#directory = directory;
    this.#state = join(directory, 'state');
    this.#host = host;
    this.#verbose = verbose;
    this.#executable = host.uid === process.geteuid?.() ? tsoci : copyExecutable(tsoci, directory);
  }

  run({ name, options = [], log }: Container, file: string): number {
    const args = ['run', '--bundle', this.#directory, '--config', file, ...options, this.#prefix + name];
    if (this.#verbose) console.log(`$ tsoci --root ${this.#state} ${args.join(' ')}`);
    const { status } = this.#tsoci(args, 'inherit');
    if (log) process.stdout.write(readFileSync(join(this.#directory, 'rootfs', log)));
    return status;
  }

  pid(name: string): number {
    const { stdout } = this.#tsoci(['state', this.#prefix + name], 'pipe');
    return Number(JSON.parse(stdout).pid);
  }

  deleteAll(): void {
    if (!existsSync(this.#state)) return;
    for (const id of readdirSync(this.#state)) {
      if (id.startsWith(this.#prefix)) this.#tsoci(['delete', '--force', id], 'inherit');
    }
  }

  #tsoci(args: readonly string[], stdio: 'inherit' | 'pipe'): { status: number; stdout: string } {
    const { uid, gid } = this.#host;
    const result = spawnSync(this.#executable, ['--root', this.#state, ...args], {
      cwd: this.#directory,
      encoding: 'utf8',
      stdio: stdio === 'pipe' ? ['ignore', 'pipe', 'inherit'] : 'inherit',
      ...(uid === process.geteuid?.() ? {} : { uid, gid }),
    });
    if (result.error) throw result.error;
    return { status: result.status ?? 1, stdout: result.stdout ?? '' };
  }
}

function chownAll(path: string, { uid, gid }: Host): void {
  chownSync(path, uid, gid);
  for (const name of ['rootfs', ...readdirSync(join(path, 'rootfs')).map((entry) => join('rootfs', entry))]) {
    if (existsSync(join(path, name))) chownSync(join(path, name), uid, gid);
  }
}

function pretty(config: unknown): string {
  return `${JSON.stringify(JSON.parse(stringifyJson(config)), null, 2)}\n`;
}
