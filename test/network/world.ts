// A network of its own for a test: this process moves to a new network namespace, and containers are processes in others.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CLONE_NEWNET } from '../../src/linux/constants.ts';
import { check } from '../../src/linux/descriptor.ts';
import { NETLINK_NETFILTER } from '../../src/linux/netlink/netlink-constants.ts';
import { removeTable, replaceTable } from '../../src/linux/netlink/nftables.ts';
import { NF_INET_PRE_ROUTING } from '../../src/linux/netlink/nftables-constants.ts';
import { toThisHost } from '../../src/linux/netlink/nftables-expressions.ts';
import { NetlinkSocket } from '../../src/linux/netlink/socket.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { closeSandbox, makeSandbox } from '../container/sandboxes.ts';
import { testLauncher } from '../launcher/driven.ts';

/**
 * From here on the namespace of this process is a new one, with loopback down and nothing else: setns(2) and unshare(2)
 * move one thread, the main one, and that is where children are forked.
 */
export function enterNewNamespace(): void {
  check('make a network namespace', 'unshare', CLONE_NEWNET);
}

/** A process in a new network namespace, waiting. */
function startContainer(): StubProcess {
  const boot = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  try {
    return boot.clone(CLONE_NEWNET, 'clone');
  } finally {
    boot.dismiss();
  }
}

export function withContainer(body: (container: StubProcess) => void): void {
  const container = startContainer();
  try {
    body(container);
  } finally {
    container.dismiss();
  }
}

/** Runs a command; its output. Throws when it fails. */
export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** Runs a command in the network namespace of a process. */
export function runIn(pid: number, command: string, ...args: string[]): string {
  return run('nsenter', '-t', `${pid}`, '-n', command, ...args);
}

/** Why a test of devices cannot run here; undefined if it can. */
export function missingDevices(): string | undefined {
  // The `ip` of busybox makes no veth and speaks no JSON.
  if (!spawnSync('ip', ['-V'], { encoding: 'utf8' }).stdout?.includes('iproute2'))
    return 'iproute2 is not installed';
  if (spawnSync('busybox', ['true']).status !== 0) return 'busybox is not installed';
  for (const kind of ['veth', 'bridge']) {
    const { status } = spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'probe', 'type', kind]);
    if (status !== 0) return `this kernel has no ${kind}`;
  }
  return undefined;
}

/** As many containers as a test asks for: none of a few can be missing. */
interface Few {
  1: [StubProcess];
  2: [StubProcess, StubProcess];
  3: [StubProcess, StubProcess, StubProcess];
}

type Containers<Count extends number> = Count extends keyof Few ? Few[Count] : StubProcess[];

/** What a world needs for `tsoci network`: a namespace of its own, and a place for leases. All is taken back. */
export async function withWorld<const Count extends number>(
  count: Count,
  body: (world: { directory: string; containers: Containers<Count> }) => Promise<void> | void,
): Promise<void> {
  enterNewNamespace();
  const parent = makeSandbox();
  const containers = Array.from({ length: count }, startContainer);
  try {
    await body({ directory: join(parent, 'leases'), containers: containers as Containers<Count> });
  } finally {
    for (const container of containers) container.dismiss();
    for (const server of servers.splice(0)) server.kill('SIGKILL');
    closeSandbox(parent);
  }
}

const servers: ChildProcess[] = [];

const TCP_SERVER = `require('net').createServer((socket) => socket.end(socket.remoteAddress + '\\n'))
  .listen(Number(process.argv[2]), process.argv[1], () => console.log('ready'));`;
const UDP_SERVER = `const socket = require('dgram').createSocket('udp4');
socket.on('message', (_, from) => socket.send(from.address, from.port, from.address));
socket.bind(Number(process.argv[2]), process.argv[1], () => console.log('ready'));`;

/** A server in the network namespace of a process: it tells each client the client's address. */
export async function serve(
  pid: number,
  address: string,
  port: number,
  protocol: 'tcp' | 'udp' = 'tcp',
): Promise<void> {
  const script = protocol === 'tcp' ? TCP_SERVER : UDP_SERVER;
  const args = ['-t', `${pid}`, '-n', process.execPath, '-e', script, address, `${port}`];
  const server = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.stdout.once('data', () => resolve());
    server.once('exit', () => reject(new Error(`the server on ${address} port ${port} did not start`)));
  });
}

/** What a TCP server answers a client in the network namespace of a process; undefined if it cannot be reached. */
export function ask(pid: number, address: string, port: number): string | undefined {
  try {
    return runIn(pid, 'busybox', 'nc', '-w', '2', address, `${port}`).trim().replace('::ffff:', '');
  } catch {
    return undefined;
  }
}

/** Whether `address` answers to a ping from the network namespace of a process. */
export function pings(pid: number, address: string, size = 56): boolean {
  try {
    runIn(pid, 'busybox', 'ping', '-c', '1', '-W', '2', '-s', `${size}`, address);
    return true;
  } catch {
    return false;
  }
}

const UDP_CLIENT = `const socket = require('dgram').createSocket('udp4');
setTimeout(() => process.exit(1), 2000);
socket.on('message', (answer) => { console.log(answer.toString()); process.exit(0); });
socket.send('?', Number(process.argv[2]), process.argv[1]);`;

/** What a UDP server answers a client in the network namespace of a process; undefined if it cannot be reached. */
export function askUdp(pid: number, address: string, port: number): string | undefined {
  try {
    return runIn(pid, process.execPath, '-e', UDP_CLIENT, address, `${port}`).trim();
  } catch {
    return undefined;
  }
}

/** Why a test that needs nftables cannot run here; undefined if it can. Asked in a namespace of its own. */
export function missingNftables(): string | undefined {
  enterNewNamespace();
  const chain = (name: string, type: 'nat' | 'filter', number: number) => {
    return { name, hook: { type, number, priority: 0 }, rules: [{ expressions: toThisHost() }] };
  };
  const socket = NetlinkSocket.open(NETLINK_NETFILTER);
  try {
    const chains = [chain('a', 'nat', NF_INET_PRE_ROUTING), chain('b', 'filter', NF_INET_PRE_ROUTING)];
    replaceTable(socket, { name: 'probe', chains });
    removeTable(socket, 'probe');
    return undefined;
  } catch (error) {
    return `this kernel has no nftables (${(error as Error).message})`;
  } finally {
    socket.close();
  }
}
