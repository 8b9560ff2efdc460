// What `features` claims, tried in containers. What it says of seccomp and memory policies: test/security/features.test.ts.

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config, Features, Hook } from '../../src/config/generated/types.ts';
import { processStatus } from '../../src/linux/procfs.ts';
import { capabilitiesIn } from '../../src/security/capabilities.ts';
import { type Change, mapUsers, Sandbox, userNamespace } from './harness.ts';

const test = suite('features');
const box = new Sandbox();
const features = JSON.parse(box.tsoci('features').stdout) as Features;

/** Runs a container to its end; its standard output. It must succeed, and say nothing. */
function silently(script: string, change: Change): string {
  box.configure(script, change);
  const { status, stdout, stderr } = box.tsoci('run', box.id());
  assert.is(stderr, '');
  assert.is(status, 0);
  return stdout;
}

test('mountOptions: each is taken, and one that is not listed is the filesystem’s to refuse', () => {
  const source = join(box.directory, 'source');
  mkdirSync(source);
  const mountWith = (option: string): NonNullable<Config['mounts']> => {
    const destination = `/options/${option}`;
    if (/^r?idmap$/.test(option)) return [{ destination, type: 'bind', source, options: ['bind', option] }];
    if (/^r?bind$/.test(option)) return [{ destination, type: 'bind', source, options: [option] }];
    const mount = { destination, type: 'tmpfs', source: 'tmpfs' };
    return option === 'remount'
      ? [mount, { ...mount, options: [option] }]
      : [{ ...mount, options: [option] }];
  };
  const options = features.mountOptions ?? [];
  for (const option of options) mkdirSync(join(box.rootfs, 'options', option), { recursive: true });
  const idmaps = options.filter((option) => /^r?idmap$/.test(option));
  silently('true', ({ mounts }) => {
    for (const option of options) if (!idmaps.includes(option)) mounts?.push(...mountWith(option));
  });
  silently('true', (config) => {
    userNamespace(config);
    for (const option of idmaps) config.mounts?.push(...mountWith(option));
  });
  assert.ok(options.length > 40 && idmaps.length === 2);
  box.configure('true', (config) => {
    config.mounts?.push(...mountWith('nosuchoption'));
  });
  assert.match(box.tsoci('run', box.id()).stderr, /option nosuchoption/);
});

for (const [where, change] of [
  ['', () => {}],
  [', in a user namespace too', userNamespace],
] as [string, Change][]) {
  test(`hooks: each runs${where}`, () => {
    const seen = join(box.directory, 'hooks');
    const inside = 'startContainer';
    // Written by users of the namespace.
    writeFileSync(seen, '');
    chmodSync(seen, 0o666);
    chmodSync(join(box.rootfs, 'tmp'), 0o777);
    const hook = (name: string): Hook[] => {
      const file = name === inside ? `/tmp/${inside}` : seen;
      return [{ path: '/bin/sh', args: ['sh', '-c', `echo ${name} >>${file}`] }];
    };
    silently('true', (config) => {
      change(config);
      config.hooks = Object.fromEntries((features.hooks ?? []).map((name) => [name, hook(name)]));
    });
    const ran = readFileSync(seen, 'utf8').trim().split('\n');
    assert.equal([...ran, inside].sort(), [...(features.hooks ?? [])].sort());
    assert.is(readFileSync(join(box.rootfs, 'tmp', inside), 'utf8'), `${inside}\n`);
    rmSync(join(box.rootfs, 'tmp', inside));
  });
}

test('namespaces: all at once', () => {
  const script = 'for file in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$file; done';
  const inside = silently(script, (config) => {
    mapUsers(config);
    config.linux.namespaces = (features.linux?.namespaces ?? []).map((type) => ({ type }));
  });
  const outside = silently(script, (config) => {
    const { linux } = config;
    delete config.hostname;
    linux.namespaces = (linux.namespaces ?? []).filter(({ type }) => type === 'mount');
  });
  const [own, others] = [inside, outside].map((text) => text.trim().split('\n'));
  assert.is(own?.length, 8);
  assert.equal(
    own?.filter((link) => others?.includes(link)),
    [],
  );
});

test('capabilities: all that the runtime has are given', () => {
  const { bounding } = capabilitiesIn(processStatus('self'));
  const names = (features.linux?.capabilities ?? []).filter((_, i) => bounding & (1n << BigInt(i)));
  const status = silently('grep Cap /proc/self/status', ({ process }) => {
    process.capabilities = { bounding: names, permitted: names, effective: names };
  });
  for (const set of ['CapBnd', 'CapPrm', 'CapEff'])
    assert.is(BigInt(`0x${new RegExp(`${set}:\\s+(\\w+)`).exec(status)?.[1]}`), bounding, set);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
