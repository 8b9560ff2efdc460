// One virtual machine: starts qemu, connects the guest's channels, and waits for its end.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { type Architecture, processors } from './architecture.ts';
import type { System } from './system.ts';

/** The virtio-serial ports, by the names under which boot/session.sh finds them. */
const ports = ['stdin', 'stdout', 'stderr', 'status'] as const;
/** Descriptors of qemu, after its own 0-2: the kernel's log, hvc0, and the ports. */
const channels = ['log', 'terminal', ...ports] as const;
const firstDescriptor = 3;

export type Channels = Record<(typeof channels)[number], Duplex>;

/** Process 1 of the guest: boot/init.sh knows these. */
export type Init = 'busybox' | 'systemd';

/** The security module that labels processes. */
export type Lsm = 'apparmor' | 'selinux';

/** What a guest is besides its kernel. */
export type Guest = { init: Init; lsm: Lsm };

export type MachineOptions = Guest & {
  architecture: Architecture;
  system: System;
  repository: string;
  scratch: string;
  /** Seconds until the machine is killed, as many times as it is slower than usual; 0 for no limit. */
  timeout: number;
  /** Print the kernel's log as it comes. */
  verbose: boolean;
  /** Called once, when qemu runs, to connect whatever the guest shall talk to. */
  connect(channels: Channels): void;
};

export type Outcome = {
  /** Exit status of the command in the guest. */
  exitCode: number;
  /** Seconds from the start of the guest's kernel to the start of the command. */
  boot: number;
};

const kernelArguments = [
  ...['quiet', 'panic=-1', 'oops=panic'],
  'psi=1',
  ...['mitigations=off', 'systemd.show_status=0'], // for speed
];

/**
 * One host thread for both processors: with a thread each, qemu 7.2 now and then runs an int3 of the kernel's text
 * patching after its removal, and the guest panics or hangs.
 */
const emulation = ['-accel', 'tcg,thread=single'];

function qemuArguments(options: MachineOptions): string[] {
  const descriptor = (name: (typeof channels)[number]) => firstDescriptor + channels.indexOf(name);
  const channel = (name: (typeof channels)[number]) => [
    '-chardev',
    `socket,id=${name},fd=${descriptor(name)}`,
  ];
  const disk = (file: string) => ['-drive', `file=${file},format=raw,if=virtio,snapshot=on,cache=unsafe`];
  const { machine, cpu, console, kernelArguments: ofProcessor } = processors[options.architecture];
  const { init, lsm } = options;
  const ofGuest = [`security=${lsm}`, `vm_lsm=${lsm}`, `vm_init=${init}`];
  const append = [`console=${console}`, ...kernelArguments, ...ofProcessor, ...ofGuest];
  return [
    ...emulation,
    ...['-machine', machine, '-cpu', cpu],
    ...['-smp', '2', '-m', '1536', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-kernel', options.system.kernel, '-initrd', options.system.initramfs],
    ...['-append', append.join(' ')],
    ...[options.system.disk, options.repository, options.scratch].flatMap(disk),
    ...channels.flatMap(channel),
    ...['-serial', 'chardev:log', '-device', 'virtio-serial-pci'],
    ...['-device', 'virtconsole,chardev=terminal'],
    ...ports.flatMap((name) => ['-device', `virtserialport,chardev=${name},name=${name}`]),
  ];
}

/** Runs a machine to its end. Rejects, with the kernel's last words, if the command's status never came. */
export async function runMachine(options: MachineOptions): Promise<Outcome> {
  // setpriv: no machine outlives this process, however it ends.
  const { qemu } = processors[options.architecture];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', qemu, ...qemuArguments(options)], {
    stdio: ['ignore', 'ignore', 'pipe', ...channels.map(() => 'pipe' as const)],
  });
  const complaints = collect(child.stderr as Duplex);
  const sockets = Object.fromEntries(
    channels.map((name, index) => [name, child.stdio[firstDescriptor + index] as Duplex]),
  ) as Channels;
  for (const socket of Object.values(sockets)) socket.on('error', () => {}); // the guest closed first
  const log = collect(sockets.log);
  const status = collect(sockets.status);
  if (options.verbose) sockets.log.pipe(process.stderr);
  options.connect(sockets);
  for (const socket of Object.values(sockets)) socket.resume(); // an unread channel would never close

  const slowness = () => Number(status().match(/^slowness (\d+)$/m)?.[1] ?? 1);
  const ending = await ended(child, () => options.timeout * slowness());
  const exitCode = status().match(/^exit (\d+)$/m)?.[1];
  const boot = status().match(/^up ([\d.]+)$/m)?.[1];
  if (exitCode === undefined) {
    const words = `${lastWords(log())}\n${complaints()}`.trim();
    throw new Error(`the guest ${boot ? 'ended before its command' : 'did not boot'}: ${ending}\n${words}`);
  }
  return { exitCode: Number(exitCode), boot: Number(boot) };
}

/** The part of the kernel's log that tells why it ended: from its first complaint, or the last lines. */
function lastWords(log: string): string {
  const lines = log.split('\n');
  const complaint = lines.findIndex((line) =>
    /BUG: |Oops|[a-z] fault: |Kernel panic|invalid opcode/.test(line),
  );
  return (complaint < 0 ? lines.slice(-30) : lines.slice(complaint, complaint + 60)).join('\n');
}

function collect(stream: Duplex): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

/**
 * Waits until qemu is gone and its channels are read; tells how it ended. `timeout` may grow in the meantime: the guest tells
 * how slow it is when it has booted.
 */
function ended(child: ChildProcess, timeout: () => number): Promise<string> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let late = false;
    let timer: NodeJS.Timeout | undefined;
    const look = () => {
      const left = began + timeout() * 1000 - performance.now();
      late = left <= 0;
      if (late) child.kill('SIGKILL');
      else timer = setTimeout(look, left);
    };
    if (timeout() > 0) look();
    child.on('error', (error) => reject(new Error(`start qemu: ${error.message}`)));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(late ? `killed after ${timeout()} s` : `qemu ended with ${signal ?? code}`);
    });
  });
}
