// The same profile given to runc: its filter, read back from the kernel, answers every system call as ours does.

import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Seccomp } from '../../src/config/generated/types.ts';
import { describeErrno } from '../../src/linux/errors.ts';
import { type Argument, syscall } from '../../src/linux/ffi.ts';
import { SYS } from '../../src/linux/syscalls.ts';
import { compileFilter } from '../../src/security/seccomp/filter.ts';
import { evaluate } from './bpf-machine.ts';
import { hasPodmanProfile, podmanProfile } from './podman-profile.ts';
import { isRoot } from './stub.ts';

const test = suite('seccomp beside runc');
const busybox = '/usr/bin/busybox';
const reason = missing();
if (reason) console.log(`skipped: ${reason}`);

function missing(): string | undefined {
  if (!isRoot) return 'ptrace(PTRACE_SECCOMP_GET_FILTER) takes root';
  if (!hasPodmanProfile) return "podman's default profile is not installed";
  if (!existsSync(busybox)) return `${busybox} is not installed`;
  try {
    execFileSync('runc', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'runc is not installed';
  }
  return undefined;
}

const SYS_ptrace = process.arch === 'x64' ? 101 : 117;
/** sys/ptrace.h */
const PTRACE_ATTACH = 16;
const PTRACE_DETACH = 17;
const PTRACE_SECCOMP_GET_FILTER = 0x420c;

function ptrace(request: number, pid: number, address: Argument, data: Argument): number {
  const result = syscall(SYS_ptrace, request, pid, address, data);
  if (result < 0) throw new Error(`ptrace ${request}: ${describeErrno(-result)}`);
  return result;
}

/** The filter that the kernel runs for a process. */
function filterOf(pid: number): Buffer {
  ptrace(PTRACE_ATTACH, pid, 0, 0);
  try {
    syscall(SYS.wait4, pid, null, 0, null);
    const program = Buffer.alloc(8 * ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, null));
    ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, program);
    return program;
  } finally {
    ptrace(PTRACE_DETACH, pid, 0, 0);
  }
}

/** Runs a container with the profile under runc and reads its filter. */
async function runcFilter(seccomp: Seccomp): Promise<Buffer> {
  const bundle = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  const id = `tsoci-test-${process.pid}`;
  try {
    mkdirSync(join(bundle, 'rootfs'));
    copyFileSync(busybox, join(bundle, 'rootfs/busybox'));
    execFileSync('runc', ['spec'], { cwd: bundle });
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    config.process.terminal = false;
    config.process.args = ['/busybox', 'sleep', '60'];
    config.linux.seccomp = seccomp;
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    const child = spawn('runc', ['run', id], { cwd: bundle, stdio: ['ignore', 'ignore', 'inherit'] });
    try {
      return filterOf(await pidOf(id));
    } finally {
      execFileSync('runc', ['delete', '--force', id]);
      child.kill();
    }
  } finally {
    rmSync(bundle, { recursive: true });
  }
}

/** The pid of the container when it sleeps, under its filter. */
async function pidOf(id: string): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      const state = JSON.parse(execFileSync('runc', ['state', id], { stdio: 'pipe', encoding: 'utf8' }));
      const name = readFileSync(`/proc/${state.pid}/comm`, 'latin1').trim();
      if (state.status === 'running' && name === 'busybox') return state.pid;
    } catch {}
  }
  throw new Error('the container does not run');
}

const arches = process.arch === 'x64' ? [0xc000003e, 0x40000003] : [0xc00000b7, 0x40000028];

for (const [what, change] of [
  ['as it is', {}],
  ['with EPERM for the unknown', { defaultErrnoRet: 1 }],
  ['with KILL for the unknown', { defaultAction: 'SCMP_ACT_KILL', defaultErrnoRet: undefined }],
] as const) {
  (reason ? test.skip : test)(`podman's profile ${what}`, async () => {
    const config = JSON.parse(JSON.stringify({ ...podmanProfile(), ...change })) as Seccomp;
    const theirs = await runcFilter(config);
    const ours = compileFilter(config).program;
    const different: string[] = [];
    for (const arch of arches) {
      for (let number = 0; number < 1024; number++) {
        for (const x32 of process.arch === 'x64' && arch === arches[0] ? [0, 0x40000000] : [0]) {
          for (const argument of [0n, 8n, 9n, 16n, 0x10000n, 0x20000000n, 2n ** 32n - 1n, 2n ** 64n - 1n]) {
            const call = { arch, number: number + x32, args: Array<bigint>(6).fill(argument) };
            const [we, they] = [evaluate(ours, call), evaluate(theirs, call)];
            if (we !== they) {
              different.push(
                `${arch.toString(16)} ${call.number} (${argument}): ours ${we.toString(16)}, runc ${they.toString(16)}`,
              );
            }
          }
        }
      }
    }
    assert.equal(different, []);
  });
}

test.run();
