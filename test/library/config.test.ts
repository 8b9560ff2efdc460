// config(): what its methods write, that tsoci takes it, and what a process finds of it.

import { mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exampleConfig } from '../../src/config/spec.ts';
import { stringifyJson } from '../../src/config/stringify.ts';
import { validateConfig } from '../../src/config/validate.ts';
import { type ConfigBuilder, config, type Limits } from '../../src/library/index.ts';
import { makeWorld } from './support.ts';

const test = suite('library: config');
const { box, runtime, shell, nothingIsLeft } = makeWorld();

async function output(container: ConfigBuilder): Promise<string> {
  const { code, stdout, stderr } = await runtime.run(container);
  assert.is(code, 0, stderr);
  return stdout;
}

function findings(container: ConfigBuilder): unknown[] {
  return validateConfig(stringifyJson(container.build()));
}

test('the first is that of tsoci spec without a terminal', () => {
  const { root, process, ...rest } = config('/srv/rootfs').build();
  const { root: _, process: example, ...exampleRest } = exampleConfig();
  assert.equal(rest, exampleRest);
  assert.equal(process, { ...example, terminal: false });
  assert.equal(root, { path: '/srv/rootfs', readonly: true });
});

test('each method answers with another configuration', () => {
  const base = config('/srv/rootfs');
  const text = stringifyJson(base.build());
  const all = base
    .args('true')
    .env({ TERM: 'dumb', A: 'b' })
    .cwd('/tmp')
    .user(1, 2, [3])
    .capabilities('CAP_CHOWN')
    .rlimit('RLIMIT_NOFILE', 10, 20)
    .seccomp()
    .limits({ memory: 1e8, cpus: 0.5, pids: 100 })
    .bind('/srv', '/srv', { readonly: true })
    .tmpfs('/run')
    .writable()
    .network('host')
    .hostname('name')
    .annotations({ a: 'b' });
  assert.equal(findings(all), []);
  assert.is(stringifyJson(base.build()), text, 'the first is as it was');
  const { process, linux, root, hostname, annotations, mounts } = all.build();
  assert.equal(process?.env, [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'TERM=dumb',
    'A=b',
  ]);
  assert.equal([process?.args, process?.cwd], [['true'], '/tmp']);
  assert.equal(process?.user, { uid: 1, gid: 2, additionalGids: [3] });
  assert.equal(process?.rlimits, [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }]);
  const { memory, cpu, pids, devices } = linux?.resources ?? {};
  assert.equal([memory, cpu, pids], [{ limit: 1e8 }, { quota: 50_000, period: 100_000 }, { limit: 100 }]);
  assert.is(devices?.length, 1, 'devices are denied still');
  assert.not.ok(linux?.namespaces?.some(({ type }) => type === 'network'));
  assert.equal([root?.readonly, hostname, annotations], [false, 'name', { a: 'b' }]);
  assert.equal(mounts?.at(-1), {
    ...{ destination: '/run', type: 'tmpfs', source: 'tmpfs' },
    options: ['nosuid', 'nodev', 'size=67108864', 'mode=1777'],
  });
});

test('limits that are not named are not set', () => {
  const of = (limits: Limits) => Object.keys(config('/').limits(limits).build().linux?.resources ?? {});
  assert.equal(of({}), ['devices']);
  assert.equal(of({ pids: 5 }), ['devices', 'pids']);
});

test('integers of 64 bits arrive whole', async () => {
  const limited = shell('ulimit -f').with(({ process }) => {
    process.rlimits = [{ type: 'RLIMIT_FSIZE', soft: 2n ** 53n + 512n, hard: 2n ** 64n - 1n }];
  });
  assert.is(await output(limited), `${(2n ** 53n + 512n) / 512n}\n`);
});

test('a process finds what was said', async () => {
  const source = join(box.directory, 'source');
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'file'), 'of the host');
  const script =
    'id -u; id -g; hostname; pwd; cat /tmp/source/file; echo; touch /tmp/source/new 2>/dev/null || echo read-only';
  const made = shell(script)
    .user(5, 6)
    .hostname('box')
    .cwd('/tmp')
    .tmpfs('/tmp')
    .bind(source, '/tmp/source', { readonly: true });
  assert.is(await output(made), '5\n6\nbox\n/tmp\nof the host\nread-only\n');
  assert.is(await output(shell('touch /etc/new 2>/dev/null || echo read-only')), 'read-only\n');
});

test('networks', async () => {
  const shown = shell('readlink /proc/self/ns/net');
  const hosts = `${readlinkSync('/proc/self/ns/net')}\n`;
  assert.is.not(await output(shown), hosts);
  assert.is(await output(shown.network('host')), hosts);
  assert.is(await output(shown.network({ path: `/proc/${process.pid}/ns/net` })), hosts);
});

test('the filter lets programs do what programs do, and forbids what is not theirs', async () => {
  const script = [
    'grep Seccomp: /proc/self/status',
    'echo a | cat; (sleep 0; kill -0 $$) && ls / >/dev/null && echo ordinary',
    'mount -t tmpfs none /tmp 2>/dev/null || echo no mount',
    'busybox unshare -U true 2>&1',
    'hostname other 2>/dev/null || echo no hostname',
  ];
  const filtered = shell(script.join('\n')).seccomp().capabilities('CAP_SYS_ADMIN');
  assert.equal((await output(filtered)).trim().split('\n'), [
    'Seccomp:\t2',
    'a',
    'ordinary',
    'no mount',
    'unshare: unshare(0x10000000): Operation not permitted',
    'no hostname',
  ]);
  nothingIsLeft();
});

test.after(() => box.close());
test.run();
