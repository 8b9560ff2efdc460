// What a process holds after setCredentials, a seccomp filter and execve, for every mix of user, user namespace and
// no_new_privs, held against the formula of capabilities(7), "Transformation of capabilities during execve()".

import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Capabilities } from '../../src/config/generated/types.ts';
import { _LINUX_CAPABILITY_VERSION_3 } from '../../src/linux/constants.ts';
import { processStatus } from '../../src/linux/procfs.ts';
import {
  allCapabilities,
  type CapabilityPlan,
  capabilitiesIn,
  maskOf,
  planCapabilities,
} from '../../src/security/capabilities.ts';
import { type Credentials, setCredentials } from '../../src/security/credentials.ts';
import { assemble, BPF_RET_K } from '../../src/security/seccomp/classic-bpf.ts';
import { installFilter } from '../../src/security/seccomp/install.ts';
import { actions } from '../../src/security/seccomp/names.ts';
import { DescriptorTable, Program } from '../../src/stub/program.ts';
import type { StubProcess } from '../../src/stub/stub-process.ts';
import { type ExecOptions, execute, isRoot, parseStatus } from './stub.ts';

const test = suite('credentials');

const allowAll = {
  program: assemble([{ code: BPF_RET_K, k: actions.SCMP_ACT_ALLOW }]),
  flags: 0,
  listener: false,
};

const some = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

/** Mixes of sets, the odd ones too. */
const mixes: Record<string, Capabilities | undefined> = {
  absent: undefined,
  empty: {},
  'as engines have it': { bounding: some, permitted: some, effective: some },
  'with ambient': { bounding: some, permitted: some, effective: some, inheritable: some, ambient: some },
  'ambient in part': { bounding: some, permitted: some, inheritable: ['CAP_KILL'], ambient: some },
  'bounding only': { bounding: some },
  'bounding above permitted': { bounding: [...some, 'CAP_SYS_ADMIN'], permitted: some, effective: some },
  'permitted above bounding': { bounding: ['CAP_KILL'], permitted: some, effective: some },
  'inheritable above permitted': { bounding: some, inheritable: some },
  'with CAP_SYS_ADMIN': {
    bounding: [...some, 'CAP_SYS_ADMIN'],
    permitted: [...some, 'CAP_SYS_ADMIN'],
    effective: [...some, 'CAP_SYS_ADMIN'],
  },
};

/** capabilities(7) for a file without capabilities of its own. */
function afterExec({ sets }: CapabilityPlan, uid: number, noNewPrivileges: boolean): Record<string, bigint> {
  const { bounding, permitted, inheritable, ambient } = sets;
  // Root counts as having all file capabilities; no_new_privs lets nothing be gained by them.
  const byRoot = uid === 0 ? (bounding | inheritable) & (noNewPrivileges ? permitted : ~0n) : 0n;
  const now = byRoot | ambient;
  return { CapInh: inheritable, CapPrm: now, CapEff: now, CapBnd: bounding, CapAmb: ambient };
}

function become(credentials: Credentials, options: ExecOptions = {}): Map<string, string> {
  return parseStatus(
    execute((program) => {
      setCredentials(program, credentials);
      if (credentials.seccomp) installFilter(program, allowAll);
    }, options),
  );
}

function capabilityFields(status: Map<string, string>): Record<string, bigint> {
  const names = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
  return Object.fromEntries(names.map((name) => [name, BigInt(`0x${status.get(name)}`)]));
}

for (const userNamespace of [false, true]) {
  for (const uid of [0, 1000]) {
    for (const noNewPrivileges of [false, true]) {
      for (const seccomp of [false, true]) {
        const mix = `uid ${uid}${userNamespace ? ' in a user namespace' : ''}${noNewPrivileges ? ', no_new_privs' : ''}${seccomp ? ', seccomp' : ''}`;
        (isRoot ? test : test.skip)(`the sets after execve: ${mix}`, () => {
          for (const [name, config] of Object.entries(mixes)) {
            const held = userNamespace ? allCapabilities() : capabilitiesIn(processStatus('self'));
            const capabilities = planCapabilities(config, held);
            const status = become(
              { uid, gid: uid, noNewPrivileges, seccomp, capabilities },
              { userNamespace },
            );
            assert.equal(capabilityFields(status), afterExec(capabilities, uid, noNewPrivileges), name);
            assert.is(status.get('Uid'), `${uid}\t${uid}\t${uid}\t${uid}`, name);
            assert.is(status.get('Gid'), `${uid}\t${uid}\t${uid}\t${uid}`, name);
            assert.is(status.get('NoNewPrivs'), noNewPrivileges ? '1' : '0', name);
            assert.is(status.get('Seccomp'), seccomp ? '2' : '0', name);
          }
        });
      }
    }
  }
}

/** As a caller would be that was itself started with inheritable and ambient capabilities. */
function inheritEverything(stub: StubProcess): void {
  const program = stub.program();
  const { permitted } = capabilitiesIn(processStatus('self'));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(_LINUX_CAPABILITY_VERSION_3, 0);
  const low = Number(permitted & 0xffffffffn);
  const high = Number(permitted >> 32n);
  const data = Buffer.from(Uint32Array.of(low, low, low, high, high, high).buffer);
  program.call('capset', [header, data], 'capset');
  program.call('prctl', [47, 2, 10, 0, 0], 'raise CAP_NET_BIND_SERVICE');
  program.call('setgroups', [2, Buffer.from(Uint32Array.of(4, 5).buffer)], 'setgroups');
  stub.run(program);
}

(isRoot ? test : test.skip)(
  'CVE-2022-29162: nothing inheritable or ambient of the caller is left, nor a group',
  () => {
    for (const uid of [0, 1000]) {
      const capabilities = planCapabilities(
        { bounding: some, permitted: some, effective: some },
        capabilitiesIn(processStatus('self')),
      );
      const status = become({ uid, gid: uid, capabilities }, { prepare: inheritEverything });
      assert.is(status.get('CapInh'), '0000000000000000');
      assert.is(status.get('CapAmb'), '0000000000000000');
      assert.is(status.get('Groups'), '');
    }
  },
);

(isRoot ? test : test.skip)(
  'CAP_SYS_ADMIN, kept for the filter, does not reach a set-user-ID program',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'tsoci-test-'));
    try {
      chmodSync(directory, 0o755);
      const cat = join(directory, 'cat');
      copyFileSync('/bin/cat', cat);
      chmodSync(cat, 0o4755);
      const config = { bounding: some, permitted: some, effective: some };
      const capabilities = planCapabilities(config, capabilitiesIn(processStatus('self')));
      const args = [cat, '/proc/self/status'];
      const status = become({ uid: 1000, gid: 1000, seccomp: true, capabilities }, { args });
      assert.is(status.get('Uid'), '1000\t0\t0\t0', 'it is set-user-ID');
      assert.is(BigInt(`0x${status.get('CapPrm')}`), maskOf(...some));
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

(isRoot ? test : test.skip)(
  'an ambient capability of the caller is gone, also where it stays inheritable',
  () => {
    const capabilities = planCapabilities(
      { bounding: some, permitted: some, inheritable: some, ambient: ['CAP_KILL'] },
      capabilitiesIn(processStatus('self')),
    );
    const status = become({ uid: 0, gid: 0, capabilities }, { prepare: inheritEverything });
    assert.is(BigInt(`0x${status.get('CapAmb')}`), maskOf('CAP_KILL'));
  },
);

(isRoot ? test : test.skip)('groups and umask', () => {
  const capabilities = planCapabilities(undefined, capabilitiesIn(processStatus('self')));
  const status = become({ uid: 7, gid: 8, additionalGids: [9, 1000], umask: 0o27, capabilities });
  assert.is(status.get('Groups'), '9 1000');
  assert.is(status.get('Umask'), '0027');
});

function callsOf(credentials: Omit<Credentials, 'capabilities'>): string[] {
  const program = new Program(new DescriptorTable([0, 1, 2, 3, 4]));
  const capabilities = planCapabilities(
    { bounding: some },
    { permitted: maskOf(...some), bounding: maskOf(...some, 'CAP_FOWNER') },
  );
  setCredentials(program, { ...credentials, capabilities });
  return program.operations.map(({ doing }) => doing);
}

test('the order: what takes privilege, then the user, then the capabilities', () => {
  assert.equal(callsOf({ uid: 1, gid: 2, additionalGids: [3], noNewPrivileges: true, umask: 0 }), [
    'set no_new_privs',
    'drop CAP_FOWNER from the bounding set',
    'keep capabilities',
    'set groups 3, which the user namespace must have',
    'become group 2, which the user namespace must have',
    'become user 1, which the user namespace must have',
    'set capabilities',
    'clear ambient capabilities',
    'no longer keep capabilities',
    'set umask',
  ]);
});

test('where setgroups is denied it is not called, and additional groups are an error', () => {
  assert.not.ok(
    callsOf({ uid: 0, gid: 0, setgroups: false }).some((doing) => doing.startsWith('set groups')),
  );
  assert.throws(() => callsOf({ uid: 0, gid: 0, setgroups: false, additionalGids: [5] }), /denies setgroups/);
});

test('a filter without no_new_privs and without CAP_SYS_ADMIN is an error that says what to do', () => {
  assert.throws(() => callsOf({ uid: 0, gid: 0, seccomp: true }), /CAP_SYS_ADMIN.*noNewPrivileges/);
  assert.ok(callsOf({ uid: 0, gid: 0, seccomp: true, noNewPrivileges: true }));
});

test.run();
