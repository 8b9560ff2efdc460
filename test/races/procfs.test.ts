// CVE-2025-52881: what is written to a procfs goes elsewhere, if something is mounted over it at the right moment, by another
// container that has the same mount namespace.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  MS_PRIVATE,
  MS_REC,
  O_WRONLY,
  PROC_SUPER_MAGIC,
} from '../../src/linux/constants.ts';
import { TsociError } from '../../src/linux/errors.ts';
import { openInProcfs, openMountedProcfs, STAT_SIZE } from '../../src/security/checked-procfs.ts';
import { StubProcess } from '../../src/stub/stub-process.ts';
import { testLauncher } from '../launcher/driven.ts';

const test = suite('procfs');
/** How often each outcome is to be seen, and for how many milliseconds that is tried. */
const OFTEN = 200;
const TIMEOUT = 20_000;
const SYSCTL = 'sys/net/ipv4/ip_forward';

/** Writes as for a container that cannot mount a procfs; whether that was refused. Where it went is looked at besides. */
function write(stub: StubProcess): 'refused' | 'written' {
  let procfs: number | undefined;
  const statfs = Buffer.alloc(STAT_SIZE);
  try {
    procfs = openMountedProcfs(stub);
    const program = stub.program();
    const fd = openInProcfs(program, procfs, SYSCTL, O_WRONLY, 'open the sysctl');
    program.call('fstatfs', [fd, statfs], 'look where it is');
    program.call('write', [fd, '1', 1], 'write the sysctl');
    program.close(fd);
    assert.is(Number(stub.run(program).bytes(statfs).readBigInt64LE(0)), PROC_SUPER_MAGIC);
    return 'written';
  } catch (error) {
    if (!(error instanceof TsociError)) throw error;
    assert.match(error.message, /something else is mounted there|^open the sysctl: (EXDEV|ENOENT|ENOTDIR) /);
    return 'refused';
  } finally {
    if (procfs !== undefined) {
      const closing = stub.program();
      closing.close(procfs);
      stub.run(closing);
    }
  }
}

const able = spawnSync('unshare', ['--mount', '--net', 'nsenter', '--version']).status === 0;
if (!able) console.log('skipped: needs unshare(1), nsenter(1), and the right to make namespaces');
// Seen without RESOLVE_NO_XDEV in openInProcfs, and with the root of the procfs not checked: the file of another was written.
else
  test('CVE-2025-52881: a sysctl is written to procfs or not at all, whatever is mounted over it meanwhile', async () => {
    const fake = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
    const bait = join(fake, SYSCTL);
    mkdirSync(dirname(bait), { recursive: true });
    writeFileSync(bait, 'bait');
    const counts = { refused: 0, written: 0 };
    const stub = StubProcess.spawn(testLauncher(), { stdio: [0, 1, 2] });
    try {
      const program = stub.program();
      program.call('unshare', [CLONE_NEWNS | CLONE_NEWNET], 'make namespaces');
      program.call('mount', [null, '/', null, MS_REC | MS_PRIVATE, null], 'make mounts private');
      stub.run(program);
      const coverer = join(import.meta.dirname, 'coverer.ts');
      const enter = [`--mount=/proc/${stub.pid}/ns/mnt`, process.execPath, coverer, fake];
      const other = spawn('nsenter', enter, { stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(other, 'exit');
      await once(other.stdout, 'data');
      const end = performance.now() + TIMEOUT;
      while (Math.min(counts.refused, counts.written) < OFTEN && performance.now() < end)
        counts[write(stub)]++;
      assert.is(other.exitCode, null);
      other.kill('SIGKILL');
      await ended;
    } finally {
      stub.dismiss();
    }
    assert.is(readFileSync(bait, 'utf8'), 'bait');
    assert.ok(Math.min(counts.refused, counts.written) > 0, JSON.stringify(counts));
    rmSync(fake, { recursive: true });
  });

test.run();
