// config-linux.md#rootfs-mount-propagation, in a mount namespace whose root is shared.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../harness/check.ts';
import type { Container } from '../harness/container.ts';
import { expect, expectEqual } from '../harness/expect.ts';
import { type Holder, holdNamespaces } from '../harness/namespaces.ts';
import { mountAt, parseMountInfo } from '../harness/proc.ts';
import { refuses } from '../harness/shapes.ts';
import type { Trial } from '../harness/trial.ts';

const section = 'config-linux.md#rootfs-mount-propagation';

/** A container that waits, of a runtime that runs where all mounts are shared. */
async function runShared(trial: Trial, propagation: string, script = ''): Promise<[Container, Holder]> {
  const holder = await holdNamespaces(trial, ['mount'], 'mount --make-rshared /');
  const container = await trial.running(
    `${script}\ncat /proc/self/mountinfo`,
    (config, { rootfs }) => {
      mkdirSync(join(rootfs, 'later'));
      config.linux.rootfsPropagation = propagation;
      for (const set of Object.values(config.process.capabilities)) set.push('CAP_SYS_ADMIN');
    },
    { prefix: holder.prefix },
  );
  return [container, holder];
}

/** Whether the container's process sees what is mounted, in the runtime's namespace, below its root. */
async function seesLaterMount(container: Container, holder: Holder): Promise<boolean> {
  const [file = '', ...prefix] = holder.prefix;
  const directory = join(container.bundle.rootfs, 'later');
  const { status } = spawnSync(file, [...prefix, 'mount', '-t', 'tmpfs', 'later', directory], {
    timeout: 10_000,
  });
  expectEqual(status, 0, 'the exit code of mount');
  return readFileSync(`/proc/${container.pid}/mountinfo`, 'utf8').includes(' later ');
}

const TAGS: [propagation: string, tags: RegExp, requirement: string, instead: string][] = [
  ['shared', /^shared:/, 'shared makes the mount of the root a peer group.', 'private'],
  ['slave', /^master:/, 'slave makes the mount of the root a slave of that of the host.', 'private'],
  ['private', /^$/, 'private leaves the mount of the root in no peer group.', 'slave'],
  ['unbindable', /^unbindable$/, 'unbindable makes the mount of the root private and unbindable.', 'private'],
];

export const checks: Check[] = [
  ...TAGS.map(
    ([propagation, tags, requirement, instead]): Check => ({
      id: `rootfs-propagation-${propagation}`,
      section,
      level: 'MUST',
      requirement,
      broken: { reads: '/linux/rootfsPropagation', as: instead },
      async run(trial) {
        const [container] = await runShared(trial, propagation);
        const found = mountAt(parseMountInfo(container.output), '/').propagation.join(' ');
        expect(tags.test(found), `the propagation of / is "${found}"`);
      },
    }),
  ),
  {
    id: 'rootfs-propagation-slave-receives',
    section,
    level: 'MUST',
    requirement: 'With slave, a mount that the host makes below the root appears in the container.',
    broken: { reads: '/linux/rootfsPropagation', as: 'private' },
    async run(trial) {
      const [container, holder] = await runShared(trial, 'slave');
      expect(await seesLaterMount(container, holder), 'the mount does not appear');
    },
  },
  {
    id: 'rootfs-propagation-private-isolated',
    section,
    level: 'MUST',
    requirement: 'With private, a mount that the host makes below the root does not appear in the container.',
    broken: { reads: '/linux/rootfsPropagation', as: 'slave' },
    async run(trial) {
      const [container, holder] = await runShared(trial, 'private');
      expect(!(await seesLaterMount(container, holder)), 'the mount appears');
    },
  },
  {
    id: 'rootfs-propagation-slave-sends-nothing',
    section,
    level: 'MUST',
    requirement: 'With slave, a mount that the container makes does not appear on the host.',
    broken: { runs: 'mount -t tmpfs from-the-container $BUNDLE/rootfs/tmp', after: 'create' },
    async run(trial) {
      const [, holder] = await runShared(trial, 'slave', 'mount -t tmpfs from-the-container /tmp');
      const host = readFileSync(`/proc/${holder.pid}/mountinfo`, 'utf8');
      expect(!host.includes(' from-the-container '), 'the mount appears');
    },
  },
  {
    id: 'rootfs-propagation-unbindable-refuses',
    section,
    level: 'MUST',
    requirement: 'With unbindable, the root cannot be bind-mounted.',
    broken: { reads: '/linux/rootfsPropagation', as: 'private' },
    async run(trial) {
      const [container] = await runShared(
        trial,
        'unbindable',
        'mount -o bind / /tmp && echo bound || echo refused',
      );
      expectEqual(container.output.split('\n')[0], 'refused', 'the bind mount');
    },
  },
  {
    id: 'rootfs-propagation-unknown',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A rootfsPropagation that is not in the list is an error.',
    musts: [1],
    broken: { ignores: '/linux/rootfsPropagation' },
    run: refuses('the propagation is unknown', (config) => {
      config.linux.rootfsPropagation = 'no-such-thing';
    }),
  },
];
