// A server of a test's own: in a mount namespace with an empty /run, since the server of this machine, if there is one, is
// another's; and with a copy of tsoci. While the runtime of that cannot be executed, only a server can have answered.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hasEnded, processStat } from '../../src/linux/procfs.ts';
import { eventually, Sandbox, TIMEOUT, tsociPath } from '../container/harness.ts';

const PRIVATE = 'TSOCI_TEST_PRIVATE';

/** The rest of the file is executed there, with the same arguments. */
export function enterPrivateRun(file: string): void {
  if (process.env[PRIVATE] !== undefined) return;
  const inside = 'mount -t tmpfs run /run && exec "$@"';
  const words = ['--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh', process.execPath];
  const env = { ...process.env, [PRIVATE]: '1' };
  const { status } = spawnSync('unshare', [...words, file, ...process.argv.slice(2)], {
    env,
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}

export interface Status {
  socket: string;
  pid: number;
  version: string;
  served: number;
  refused: number;
  gone: number;
  workers: { pid: number; state: string; served: number; memory: number; command: string }[];
}

export class ServedSandbox extends Sandbox {
  override readonly launcher: string = join(this.directory, 'tsoci', 'tsoci');
  readonly socket = '/run/tsoci-serve/socket';
  /** A file: what servers have said on standard error. */
  readonly messages = join(this.directory, 'messages');
  #server: ChildProcess | undefined;

  constructor() {
    super();
    mkdirSync(dirname(this.launcher));
    chmodSync(dirname(this.launcher), 0o755);
    this.install();
  }

  /** Puts another copy of tsoci in its place, as an upgrade does. */
  install(): void {
    for (const name of ['tsoci.node', 'tsoci-runtime', 'tsoci']) {
      const next = join(dirname(this.launcher), 'next');
      copyFileSync(join(dirname(tsociPath), name), next);
      renameSync(next, join(dirname(this.launcher), name));
    }
  }

  get server(): ChildProcess {
    if (!this.#server) throw new Error('there is no server');
    return this.#server;
  }

  /** Starts a server with that many workers. */
  serve(count: number, ...options: string[]): void {
    this.serveThrough('exec "$@"', count, ...options);
  }

  /** The same by a shell script that executes "$@". */
  serveThrough(script: string, count: number, ...options: string[]): void {
    const words = [this.launcher, 'serve', '--workers', String(count), ...options];
    const stderr = openSync(this.messages, 'a');
    this.#server = spawn('sh', ['-c', script, 'sh', ...words], { stdio: ['ignore', 'ignore', stderr] });
    closeSync(stderr);
    eventually('the workers are there', () => this.idle() === count && this.workers().length === count);
  }

  /** Ends the server, and waits for it. */
  stop(): void {
    if (!this.#server) return;
    const { pid = 0 } = this.#server;
    const workers = this.workers();
    this.#server.kill('SIGTERM');
    eventually('the server is gone', () => [pid, ...workers].every((one) => isGone(one)));
  }

  /** Whether a launcher without a server finds a runtime. */
  allowCold(allowed: boolean): void {
    chmodSync(join(dirname(this.launcher), 'tsoci-runtime'), allowed ? 0o755 : 0o644);
  }

  override tsoci(...args: string[]) {
    return this.through([], ...args);
  }

  /** Runs the launcher behind the words of another command. */
  through(words: readonly string[], ...args: string[]) {
    const [command = '', ...rest] = [...words, this.launcher, '--root', this.root, ...args];
    const { status, stdout, stderr } = spawnSync(command, rest, {
      cwd: this.bundle,
      encoding: 'utf8',
      timeout: TIMEOUT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, stdout, stderr };
  }

  /** Starts a command, which goes on. */
  start(...args: string[]): ChildProcess {
    return spawn(this.launcher, ['--root', this.root, ...args], { cwd: this.bundle, stdio: 'ignore' });
  }

  status(): Status {
    // In a directory that is no server's, so that this is not served itself.
    const { stdout, stderr } = spawnSync(
      tsociPath,
      ['serve', '--socket', this.socket, '--status', '--format', 'json'],
      { encoding: 'utf8', timeout: TIMEOUT },
    );
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  /** Lines of the record, beside its first. */
  idle(): number {
    const record = `${this.socket}.status`;
    if (!existsSync(record)) return 0;
    return readFileSync(record, 'utf8').split('"state":"idle"').length - 1;
  }

  /** Pids. */
  workers(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const isWorker = readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('tsoci-worker\0');
          return isWorker && processStat(pid)?.parent === this.server.pid;
        } catch {
          return false;
        }
      });
  }

  override close(): void {
    this.allowCold(true);
    this.stop();
    super.close();
  }
}

/** Whether there is no such process, or a zombie. */
export function isGone(pid: number): boolean {
  const stat = processStat(pid);
  return stat === undefined || hasEnded(stat);
}
