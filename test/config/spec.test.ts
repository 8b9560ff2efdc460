// The example is what runc's is, but for what its comment says.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { isConfig } from '../../src/config/generated/validators/config.js';
import { exampleConfig } from '../../src/config/spec.ts';
import { validateConfig } from '../../src/config/validate.ts';

const test = suite('config: the example of tsoci spec');

test('it is valid, with nothing to warn of', () => {
  assert.equal(validateConfig(JSON.stringify(exampleConfig())), []);
  assert.equal(validateConfig(JSON.stringify(exampleConfig({ uid: 1000, gid: 100 }))), []);
});

test('rootless: the user is root inside', () => {
  const { linux } = exampleConfig({ uid: 1000, gid: 100 });
  assert.equal(linux?.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  assert.equal(linux?.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }]);
  assert.is(linux?.resources, undefined);
});

if (spawnSync('runc', ['--version']).status !== 0)
  console.log('skipped: runc is not installed to compare with');
else
  for (const rootless of [false, true])
    test(`runc spec${rootless ? ' --rootless' : ''} writes the same`, () => {
      const theirs = runcSpec(rootless);
      const ours = exampleConfig(rootless ? { uid: 0, gid: 0 } : undefined);
      // With cgroup v1 runc leaves the cgroup namespace out.
      const namespaces = (config: Config) =>
        [...new Set(config.linux?.namespaces?.map(({ type }) => type)).add('cgroup')].sort();
      assert.equal(namespaces(ours), namespaces(theirs));
      assert.equal(
        ours.linux?.maskedPaths,
        [...(theirs.linux?.maskedPaths ?? []), '/sys/devices/virtual/powercap'].sort(),
      );
      const { ambient, ...granted } = theirs.process?.capabilities ?? {};
      const alike = ({ linux, process, ...config }: Config) => ({
        ...config,
        ociVersion: '',
        hostname: '',
        process: { ...process, capabilities: granted },
        linux: { ...linux, namespaces: [], maskedPaths: [] },
      });
      assert.equal(ours.process?.capabilities, granted);
      assert.equal(alike(ours), alike(theirs));
    });

test.run();

function runcSpec(rootless: boolean): Config {
  const directory = mkdtempSync(join(tmpdir(), 'tsoci-spec-'));
  try {
    const { status, stderr } = spawnSync('runc', ['spec', ...(rootless ? ['--rootless'] : [])], {
      cwd: directory,
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.is(status, 0, stderr);
    const config: unknown = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
    if (!isConfig(config)) throw new Error(`runc spec is not valid: ${JSON.stringify(isConfig.errors)}`);
    return config;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
