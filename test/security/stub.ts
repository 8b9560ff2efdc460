// Stubs to apply settings to, and what the kernel says of them afterwards.

import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLONE_NEWUSER } from '../../src/linux/constants.ts';
import { closeDescriptor } from '../../src/linux/descriptor.ts';
import { type Program, stringArray } from '../../src/stub/program.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { testLauncher } from '../launcher/driven.ts';

export const isRoot = process.geteuid?.() === 0;

/** A stub that ends with `body`. */
export function withStub<Result>(body: (stub: StubProcess) => Result): Result {
  const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
  try {
    return body(stub);
  } finally {
    stub.dismiss();
  }
}

/** Runs what `build` adds to a program in a stub. */
export function runIn(stub: StubProcess, build: (program: Program) => void): void {
  const program = stub.program();
  build(program);
  stub.run(program);
}

export function statusOf(pid: number): Map<string, string> {
  return parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1'));
}

export function parseStatus(text: string): Map<string, string> {
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line): [string, string] => {
        const at = line.indexOf(':');
        return [line.slice(0, at), line.slice(at + 1).trim()];
      }),
  );
}

export interface ExecOptions {
  /** In a user namespace of its own, which maps the ids 0 to 65535 onto themselves. */
  userNamespace?: boolean;
  prepare?: (stub: StubProcess) => void;
  args?: readonly string[];
}

/** Applies settings as the last program of `start` does, executes a command, and returns what that prints. */
export function execute(build: (program: Program) => void, options: ExecOptions = {}): string {
  const { userNamespace = false, prepare, args = ['/bin/cat', '/proc/self/status'] } = options;
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
  const out = openSync(join(directory, 'out'), 'w');
  let stub = StubProcess.spawn(testLauncher(), { stdio: [0, out, 2] });
  try {
    if (userNamespace) {
      const boot = stub;
      stub = boot.clone(CLONE_NEWUSER, 'clone');
      boot.dismiss();
      for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${stub.pid}/${map}`, '0 0 65536\n');
    }
    prepare?.(stub);
    const program = stub.program();
    build(program);
    program.call('execve', [args[0] ?? '', stringArray(args), stringArray([])], `execute ${args[0]}`);
    stub.exec(program);
    stub.wait();
    return readFileSync(join(directory, 'out'), 'latin1');
  } finally {
    stub.dismiss();
    closeDescriptor(out);
    rmSync(directory, { recursive: true });
  }
}
