// Paths of the configuration that are of no other rule.

import { error, type Finding } from '../finding.ts';
import type { Config } from '../generated/types.ts';
import { isAbsolute, quote } from './values.ts';

/** config.md#root */
export function root(config: Config): Finding[] {
  const { root } = config;
  if (root === undefined) return [error('/root', 'is missing', 'the root filesystem', 'config.md#root')];
  return root.path === '' ? [error('/root/path', 'is empty', 'a directory', 'config.md#root')] : [];
}

/** config-linux.md#masked-paths, config-linux.md#readonly-paths */
export function absolutePaths(config: Config): Finding[] {
  const sections = {
    maskedPaths: 'config-linux.md#masked-paths',
    readonlyPaths: 'config-linux.md#readonly-paths',
  };
  return (['maskedPaths', 'readonlyPaths'] as const).flatMap((name) =>
    (config.linux?.[name] ?? []).flatMap((path, i) =>
      isAbsolute(path)
        ? []
        : [error(`/linux/${name}/${i}`, `is ${quote(path)}`, 'an absolute path', sections[name])],
    ),
  );
}

/** config-linux.md#cgroups-path: a runtime may refuse values; what leads upwards is never meant. */
export function cgroupsPath(config: Config): Finding[] {
  const path = config.linux?.cgroupsPath ?? '';
  if (!path.split('/').includes('..')) return [];
  return [
    error('/linux/cgroupsPath', `is ${quote(path)}`, 'a path without ..', 'config-linux.md#cgroups-path'),
  ];
}
