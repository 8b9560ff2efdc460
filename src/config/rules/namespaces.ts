// config-linux.md#namespaces, and what needs a namespace.

import { error, type Finding, warning } from '../finding.ts';
import type { Config, Namespace, NamespaceType } from '../generated/types.ts';
import { bytesOf, isAbsolute, quote } from './values.ts';

const section = 'config-linux.md#namespaces';
/** linux/utsname.h: __NEW_UTS_LEN, the longest host or domain name, in bytes. */
const NEW_UTS_LEN = 64;

/** The namespace of a type that the container has of its own or joins; undefined: it is the runtime's. */
export function namespaceOf(config: Config, type: NamespaceType): Namespace | undefined {
  return config.linux?.namespaces?.find((namespace) => namespace.type === type);
}

export function namespaces(config: Config): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<NamespaceType>();
  for (const [i, { type, path }] of (config.linux?.namespaces ?? []).entries()) {
    const pointer = `/linux/namespaces/${i}`;
    if (seen.has(type))
      findings.push(error(`${pointer}/type`, `is ${type} once more`, 'each type once', section));
    seen.add(type);
    if (path !== undefined && !isAbsolute(path))
      findings.push(error(`${pointer}/path`, `is ${quote(path)}`, 'an absolute path, or none', section));
  }
  return findings;
}

/** The runtime's own host name and mounts are not the container's to change. */
export function needsNamespace(config: Config): Finding[] {
  const findings: Finding[] = [];
  if (!namespaceOf(config, 'uts')) {
    for (const name of ['hostname', 'domainname'] as const) {
      if (!config[name]) continue;
      findings.push(
        error(
          `/${name}`,
          "would be the runtime's",
          'a namespace of type uts in linux.namespaces',
          `config.md#${name}`,
        ),
      );
    }
  }
  if (!namespaceOf(config, 'mount')) {
    const needed = 'a namespace of type mount in linux.namespaces';
    for (const [name, spec] of [
      ['maskedPaths', 'config-linux.md#masked-paths'],
      ['readonlyPaths', 'config-linux.md#readonly-paths'],
      // They would be made in the directory of the host that root.path is.
      ['devices', 'config-linux.md#devices'],
    ] as const) {
      if (config.linux?.[name]?.length)
        findings.push(error(`/linux/${name}`, "would be the runtime's", needed, spec));
    }
    for (const [given, pointer, spec] of [
      [config.root?.readonly, '/root/readonly', 'config.md#root'],
      [config.process?.terminal, '/process/terminal', 'config.md#process'],
      [
        config.linux?.rootfsPropagation,
        '/linux/rootfsPropagation',
        'config-linux.md#rootfs-mount-propagation',
      ],
    ] as const) {
      if (given) findings.push(error(pointer, "would take a mount among the runtime's", needed, spec));
    }
    if (config.mounts?.length) findings.push(warning('/mounts', "would be the runtime's", needed, section));
  }
  return findings;
}

/** sethostname(2), setdomainname(2). */
export function nameLengths(config: Config): Finding[] {
  return (['hostname', 'domainname'] as const)
    .filter((name) => bytesOf(config[name] ?? '') > NEW_UTS_LEN)
    .map((name) =>
      error(
        `/${name}`,
        `has ${bytesOf(config[name] ?? '')} bytes`,
        `at most ${NEW_UTS_LEN}`,
        `config.md#${name}`,
      ),
    );
}
