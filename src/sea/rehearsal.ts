// What commands do with Node and how they read a configuration, done once while the executable is built: what is called
// here is compiled when the executable starts, the rest of Node and of the validators is not (entry.ts). To see what
// a start still compiles, build with --log-function-events among the options (scripts/executable/node.ts).

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Config } from '../config/generated/types.ts';
import { loadChecked } from '../config/load.ts';
import { exampleConfig } from '../config/spec.ts';
import { TsociError } from '../linux/errors.ts';

/** Files are made in `directory`, and removed. */
export function rehearse(directory: string): void {
  files(directory);
  numbers();
  events();
  for (const config of [exampleConfig(), exampleConfig({ uid: 1000, gid: 1000 }), engineConfig()])
    loadChecked(JSON.stringify(config), 'config.json');
}

function files(directory: string): void {
  const file = resolve(directory, 'file');
  const link = join(dirname(file), 'link');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(join(directory, 'empty'), 0o700);
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    writeSync(fd, Buffer.from('text'));
    writeSync(fd, 'text');
    readSync(fd, Buffer.alloc(4), 0, 4, 0);
    fstatSync(fd).isFile();
  } finally {
    closeSync(fd);
  }
  writeFileSync(file, 'text', { flag: 'w', mode: 0o600 });
  renameSync(file, link);
  symlinkSync(basename(link), file);
  readFileSync(file, 'utf8');
  readFileSync(file);
  lstatSync(file).isSymbolicLink();
  statSync(file).isDirectory();
  statSync(join(directory, 'none'), { throwIfNoEntry: false });
  existsSync(readlinkSync(file));
  relative(realpathSync(file), isAbsolute(file) ? file : link);
  for (const name of readdirSync(directory)) name.endsWith('k');
  try {
    openSync(join(directory, 'none'), 'r');
  } catch (error) {
    // As where a file may be missing.
    TsociError.from('open', error);
  }
  unlinkSync(file);
  rmdirSync(join(directory, 'empty'));
  rmSync(directory, { recursive: true, force: true });
}

function numbers(): void {
  const buffer = Buffer.concat([Buffer.alloc(32), Buffer.from('text'), Buffer.allocUnsafe(8)]);
  // Once more than what small ones are cut from.
  for (let bytes = 0; bytes <= Buffer.poolSize; bytes += 1024) Buffer.allocUnsafe(1024);
  buffer.write('text', 0, 'latin1');
  Buffer.byteLength(buffer.subarray(4, 8).toString());
  buffer.indexOf(0);
  buffer.equals(buffer.slice(1));
  buffer.copy(buffer, 8, 0, 4);
  buffer.fill(0);
  buffer.writeUInt8(1, 0);
  buffer.writeUInt16LE(1, 0);
  buffer.writeInt16LE(1, 0);
  buffer.writeUInt32LE(1, 0);
  buffer.writeInt32LE(1, 0);
  buffer.writeBigUInt64LE(1n, 0);
  buffer.writeBigInt64LE(1n, 0);
  buffer.readUInt8(0);
  buffer.readUInt16LE(0);
  buffer.readUInt32LE(0);
  buffer.readInt32LE(0);
  buffer.readBigUInt64LE(0);
  buffer.readBigInt64LE(0);
}

function events(): void {
  const listener = () => {};
  process.on('SIGWINCH', listener);
  process.off('SIGWINCH', listener);
  process.once('tsoci', listener);
  process.prependOnceListener('tsoci', listener);
  process.emit('tsoci' as 'exit', 0);
  // Both come before the executable is done: a timer that is given up earlier is believed to run in each start.
  setImmediate(listener);
  const timer = setInterval(() => clearInterval(timer), 1);
  process.cwd();
  process.umask();
}

/** What an engine writes more than exampleConfig(). */
function engineConfig(): Config {
  const { process, linux, ...config } = exampleConfig();
  return {
    ...config,
    ...(process && {
      process: {
        ...process,
        terminal: false,
        user: { uid: 0, gid: 0, umask: 0o022, additionalGids: [1, 2] },
        apparmorProfile: 'default',
        oomScoreAdj: 0,
      },
    }),
    hooks: { createRuntime: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }] },
    annotations: { 'org.example.key': 'value' },
    linux: {
      ...linux,
      cgroupsPath: '/engine/container',
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }],
      sysctl: { 'net.ipv4.ip_forward': '1' },
      rootfsPropagation: 'rslave',
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' },
        ],
        memory: { limit: 1 << 30, reservation: 1 << 29, swap: 1 << 30 },
        cpu: { shares: 1024, quota: 100_000, period: 100_000, cpus: '0', mems: '0' },
        pids: { limit: 100 },
      },
      seccomp: {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 1,
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
        syscalls: [
          { names: ['execve', 'read', 'write'], action: 'SCMP_ACT_ALLOW' },
          {
            names: ['personality'],
            action: 'SCMP_ACT_ALLOW',
            args: [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }],
          },
        ],
      },
    },
  };
}
