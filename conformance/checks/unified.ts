// config-linux.md#unified, where cgroup v2 is the only cgroup filesystem.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, unifiedHierarchy } from '../harness/cgroup.ts';
import type { Check } from '../harness/check.ts';
import { expect, expectEqual, Skip } from '../harness/expect.ts';
import { type Trial, WAIT } from '../harness/trial.ts';
import { memoryIsV1, someMissingLimit, someUnifiedLimit, unifiedView } from '../harness/unified.ts';

const section = 'config-linux.md#unified';

/** The content of a file of the cgroup that a container with these unified limits is in. */
async function unifiedValue(
  trial: Trial,
  file: string,
  unified: Record<string, string>,
  below = '',
): Promise<string> {
  const { prefix } = await unifiedView(trial);
  const container = await trial.created(
    WAIT,
    (config, { id }) => {
      config.linux.cgroupsPath = `/${id}${below}`;
      config.linux.resources = { unified };
    },
    { prefix },
  );
  const path = join(cgroupDirectory(container.pid, unifiedHierarchy()), file);
  expect(existsSync(path), `the cgroup has no ${file}`);
  return readFileSync(path, 'utf8').trim();
}

export const checks: Check[] = [
  {
    id: 'unified-written',
    section,
    level: 'MUST',
    requirement: 'Each entry of unified is written to the file of its name.',
    broken: { ignores: '/linux/resources/unified' },
    async run(trial) {
      const [file, value] = someUnifiedLimit();
      expectEqual(await unifiedValue(trial, file, { [file]: value }), value, file);
    },
  },
  {
    id: 'unified-enables-controllers',
    section,
    level: 'MUST',
    requirement: 'The controllers that unified needs are enabled for the cgroup, through those above it.',
    musts: [1],
    broken: { ignores: '/linux/resources/unified' },
    async run(trial) {
      const [file, value] = someUnifiedLimit();
      expectEqual(await unifiedValue(trial, file, { [file]: value }, '/middle/leaf'), value, file);
    },
  },
  {
    id: 'unified-unknown-file',
    section,
    level: 'MUST',
    requirement: 'A file that no property of the specification is about is written too.',
    musts: [2],
    broken: { ignores: '/linux/resources/unified' },
    async run(trial) {
      const file = 'cgroup.max.descendants';
      expectEqual(await unifiedValue(trial, file, { [file]: '7' }), '7', file);
    },
  },
  {
    id: 'unified-missing-controller',
    section,
    level: 'MUST',
    requirement: 'An entry for a controller that the host does not have is an error.',
    musts: [3],
    broken: { ignores: '/linux/resources/unified' },
    async run(trial) {
      const [file, value] = someMissingLimit();
      const { prefix } = await unifiedView(trial);
      await trial.refused(
        `${file} needs a controller that is missing`,
        (config) => {
          config.linux.resources = { unified: { [file]: value } };
        },
        { prefix },
      );
    },
  },
  {
    id: 'unified-missing-file',
    section,
    level: 'MUST',
    requirement: 'An entry for a file that the cgroup does not have is an error.',
    musts: [3],
    broken: { ignores: '/linux/resources/unified' },
    async run(trial) {
      const { prefix } = await unifiedView(trial);
      await trial.refused(
        'there is no such file',
        (config) => {
          config.linux.resources = { unified: { 'cgroup.no_such_file': '1' } };
        },
        { prefix },
      );
    },
  },
  {
    id: 'unified-on-v1',
    section,
    level: 'MUST',
    requirement: 'Where v1 has the controller that an entry of unified is about, it is an error.',
    musts: [3],
    unless: ({ pureV2 }) => (pureV2 ? 'this host has no cgroup v1' : undefined),
    broken: { ignores: '/linux/resources/unified' },
    async run(trial) {
      if (!memoryIsV1()) throw new Skip('v1 does not have the memory controller here');
      await trial.refused('cgroup v2 does not have the memory controller', (config) => {
        config.linux.resources = { unified: { 'memory.high': '67108864' } };
      });
    },
  },
  {
    id: 'unified-conversion',
    section,
    level: 'MUST',
    requirement: 'A limit of v1 form is converted to the files of v2, or is an error.',
    musts: [4],
    broken: { ignores: '/linux/resources' },
    async run(trial) {
      const { prefix, controllers } = await unifiedView(trial);
      if (!controllers.includes('hugetlb'))
        throw new Skip('cgroup v2 does not have the hugetlb controller here');
      const container = trial.container(
        trial.bundle(WAIT, (config) => {
          config.linux.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] };
        }),
        { prefix },
      );
      if ((await container.create()).code !== 0) return;
      const directory = cgroupDirectory(container.pid, unifiedHierarchy());
      const values = ['hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max']
        .map((name) => join(directory, name))
        .filter((file) => existsSync(file))
        .map((file) => readFileSync(file, 'utf8').trim());
      expect(values.includes(String(4 << 20)), `the limits of huge pages are ${values}`);
    },
  },
  {
    id: 'unified-no-conversion',
    section,
    level: 'MUST',
    requirement: 'A limit for which v2 has nothing here is an error.',
    musts: [4],
    broken: { ignores: '/linux/resources' },
    async run(trial) {
      const { prefix, controllers } = await unifiedView(trial);
      const resources = controllers.includes('memory')
        ? { memory: { swappiness: 33 } }
        : { memory: { limit: 64 << 20 } };
      await trial.refused(
        'v2 has no such limit here',
        (config) => {
          config.linux.resources = resources;
        },
        { prefix },
      );
    },
  },
  {
    id: 'unified-devices',
    section: 'config-linux.md#allowed-device-list',
    level: 'MUST',
    requirement: 'Rules for devices take effect with cgroup v2, which has no files for them.',
    musts: [1],
    broken: { ignores: '/linux/resources/devices/-1' },
    async run(trial) {
      const { prefix } = await unifiedView(trial);
      const output = await trial.output(
        'for d in one two; do case "$(eval "exec 3</dev/$d" 2>&1)" in *permitted*) echo denied;; *) echo allowed;; esac; done',
        (config) => {
          const device = { type: 'c', major: 10, fileMode: 0o666 };
          config.linux.devices = [
            { ...device, path: '/dev/one', minor: 251 },
            { ...device, path: '/dev/two', minor: 252 },
          ];
          config.linux.resources = {
            devices: [
              { allow: false, access: 'rwm' },
              { allow: true, type: 'c', major: 10, access: 'rw' },
              { allow: false, type: 'c', major: 10, minor: 252, access: 'rw' },
            ],
          };
        },
        { prefix },
      );
      expectEqual(output, 'allowed\ndenied', 'access to the devices');
    },
  },
];
