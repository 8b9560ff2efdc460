import type { Features } from '../config/generated/types.ts';
import { defineCommand } from './command.ts';
import { commit, libseccompVersion, SPEC_VERSION, version } from './version.ts';

export const command = defineCommand({
  name: 'features',
  summary: 'show what this tsoci implements',
  description:
    'Shows as JSON what this tsoci implements, whatever the host has: the features structure of the runtime specification.',
  operands: [],
  options: [],
  examples: [{ does: 'list the mount options that it knows', line: "features | jq '.mountOptions'" }],
  async run({ caller }) {
    caller.write(caller.stdio[1], `${JSON.stringify(await features(), null, 2)}\n`);
  },
});

/** features.md and features-linux.md, from the tables by which tsoci works. */
export async function features(): Promise<Features> {
  const { capabilityNames, memoryPolicyFlags, memoryPolicyModes, namespaceTypes } = await import(
    '../config/generated/values.ts'
  );
  const { Hooks } = await import('../config/generated/outline.ts');
  const { knownMountOptions } = await import('../rootfs/options.ts');
  const seccomp = libseccompVersion();
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: SPEC_VERSION,
    hooks: Object.keys(Hooks.properties ?? {}),
    mountOptions: [...knownMountOptions],
    annotations: {
      'tsoci.version': version(),
      'tsoci.commit': commit(),
      // The key that runc and crun use.
      ...(seccomp && { 'io.github.seccomp.libseccomp.version': seccomp }),
    },
    potentiallyUnsafeConfigAnnotations: [],
    linux: {
      namespaces: [...namespaceTypes],
      capabilities: [...capabilityNames],
      cgroup: { v1: false, v2: true, systemd: false, systemdUser: false, rdma: true },
    },
  };
}
