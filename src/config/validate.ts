// Everything that is wrong with a configuration, at once: for people, not for create.

import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TsociError } from '../linux/errors.ts';
import { readTextFile } from '../linux/text-file.ts';
import { checkFiles } from './check-files.ts';
import { explain } from './explain.ts';
import type { Finding } from './finding.ts';
import type { Config } from './generated/types.ts';
import { isConfig } from './generated/validators/config.js';
import { parseJson } from './json.ts';
import { JsonError, positionsIn } from './json-scan.ts';
import { nulErrors } from './nul.ts';
import { type Place, placesIn } from './places.ts';
import { checkConfig } from './rules/index.ts';
import { specVersion } from './spec-version.ts';
import { tolerateInConfig } from './tolerate.ts';
import { sectionOf, surprises } from './unknown-properties.ts';

/** The configuration file that a path means: itself, or the config.json of a bundle. */
export function configFileOf(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, 'config.json') : path;
  } catch (error) {
    throw TsociError.from(`look at ${path}`, error);
  }
}

/**
 * All that is wrong with a bundle, or with a configuration file by itself: then the files that it names are not looked
 * for.
 */
export function validateBundle(path: string): Finding[] {
  const file = configFileOf(path);
  const alone = file === path;
  return validateConfig(readTextFile(file, { fifo: alone }), alone ? {} : { bundle: dirname(file) });
}

/** All that is wrong with a configuration; with `bundle`, also with the files that it names. */
export function validateConfig(text: string, { bundle }: { bundle?: string } = {}): Finding[] {
  let value: unknown;
  let placeOf: (pointer: string) => Place;
  try {
    value = parseJson(text);
    placeOf = placesIn(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const problem = `is not JSON: ${error.message}`;
    return [{ level: 'error', pointer: '', problem, expected: '', ...positionsIn(text)(error.offset) }];
  }
  const tolerated = tolerateInConfig(value);
  let findings = [
    ...explain(isConfig(value) ? [] : (isConfig.errors ?? []), value),
    ...nulErrors(text, value),
  ];
  const valid = withoutErrors(value, findings);
  if (valid) {
    const dropped = new Set(findings.map(({ pointer }) => partOf(pointer)));
    const isolation = !essential.some((part) => dropped.has(part));
    const checked = [
      ...checkConfig(valid, { isolation }),
      ...(bundle === undefined ? [] : checkFiles(valid, bundle)),
    ];
    findings = findings.concat(checked.filter(({ pointer }) => !dropped.has(partOf(pointer))));
  }
  const told = new Set(findings.map(({ pointer }) => pointer));
  return findings
    .concat(
      tolerated,
      surprises(value).filter(({ pointer }) => !told.has(pointer)),
    )
    .map((finding) => ({
      ...finding,
      spec: finding.spec ?? sectionOf(finding.pointer),
      ...placeOf(finding.pointer),
    }));
}

/** A configuration without the parts that have errors; undefined where nothing is left that could be tried. */
export function soundPart(text: string, findings: readonly Finding[]): Config | undefined {
  const errors = findings.filter(({ level }) => level === 'error');
  const unread = errors.some(({ pointer }) => pointer === '' || pointer.startsWith('/root'));
  if (unread) return undefined;
  const value = parseJson(text);
  tolerateInConfig(value);
  return withoutErrors(value, errors);
}

/** What many rules depend on. */
const essential = ['/linux', '/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings'];

/** The configuration without the parts that have errors, so that rules can look at the rest; undefined if it is none. */
function withoutErrors(value: unknown, errors: readonly Finding[]): Config | undefined {
  const parts = new Set(errors.map(({ pointer }) => partOf(pointer)));
  if (parts.has('')) return undefined;
  const config = { ...(value as Config) };
  if (config.linux) config.linux = { ...config.linux };
  if (config.process) config.process = { ...config.process };
  for (const part of parts) {
    const [, first = '', second] = part.split('/');
    const owner = second === undefined ? config : config[first as 'linux' | 'process'];
    delete (owner as Record<string, unknown> | undefined)?.[second ?? first];
  }
  config.ociVersion ??= specVersion;
  if (config.process) config.process.cwd ??= '/';
  return config;
}

/** The property of the configuration, of its linux or its process, that a pointer leads into. */
function partOf(pointer: string): string {
  const parts = pointer.split('/');
  return parts.slice(0, parts[1] === 'linux' || parts[1] === 'process' ? 3 : 2).join('/');
}
