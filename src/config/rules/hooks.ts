// config.md#posix-platform-hooks

import { error, type Finding, warning } from '../finding.ts';
import type { Config, Hook } from '../generated/types.ts';
import { isAbsolute, isEnvironmentEntry, quote } from './values.ts';

const section = 'config.md#posix-platform-hooks';

/** In the order of a container's life. */
export const hookNames = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;

export function hooks({ hooks = {} }: Config): Finding[] {
  return hookNames.flatMap((name) =>
    (hooks[name] ?? []).flatMap((hook, i) => check(`/hooks/${name}/${i}`, hook)),
  );
}

function check(pointer: string, { path, env = [] }: Hook): Finding[] {
  const findings = env.flatMap((entry, i) =>
    isEnvironmentEntry(entry)
      ? []
      : [warning(`${pointer}/env/${i}`, `is ${quote(entry)}`, 'NAME=value', section)],
  );
  if (!isAbsolute(path))
    findings.push(error(`${pointer}/path`, `is ${quote(path)}`, 'an absolute path', section));
  return findings;
}
