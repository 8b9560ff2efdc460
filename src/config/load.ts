// The configuration of a bundle, read, checked and typed. Nothing else reads JSON from a bundle.

import { TsociError } from '../linux/errors.ts';
import { explain } from './explain.ts';
import { describe, type Finding, nameOf } from './finding.ts';
import type { Config, Process, Resources } from './generated/types.ts';
import { isConfig, isProcess, isResources } from './generated/validators/config.js';
import { parseJson } from './json.ts';
import { JsonError, positionsIn } from './json-scan.ts';
import { nulErrors } from './nul.ts';
import { withPlaces } from './places.ts';
import { checkConfig, checkProcess, checkResources } from './rules/index.ts';
import type { Validator } from './schema-error.ts';
import { tolerateInConfig, tolerateInProcess } from './tolerate.ts';

/** A configuration that can be tried, and what its author should be told all the same (runtime.md#warnings). */
export interface Checked<T> {
  value: T;
  warnings: Finding[];
}

/**
 * A configuration, checked by its schema and by the rules that no schema can say; `file` is for the error.
 *
 * @throws TsociError that names the file and the first problem
 */
export function loadChecked(text: string, file: string): Checked<Config> {
  const { value, warnings } = load(text, file, isConfig, tolerateInConfig);
  return { value, warnings: [...warnings, ...refuse(checkConfig(value), text, file)] };
}

/** Text that has a configuration's form, by its schema alone. */
export function loadConfig(text: string, file: string): Config {
  return load(text, file, isConfig, tolerateInConfig).value;
}

/** A process as exec takes it (config.md#process), checked. */
export function loadProcess(text: string, file: string): Checked<Process> {
  const { value, warnings } = load(text, file, isProcess, tolerateInProcess);
  return { value, warnings: [...warnings, ...refuse(checkProcess(value), text, file)] };
}

/** Resources as update takes them (config-linux.md#control-groups), checked. */
export function loadResources(text: string, file: string): Checked<Resources> {
  const value = loadResourcesForm(text, file);
  return { value, warnings: refuse(checkResources(value), text, file) };
}

/** Text that has the form of resources, by their schema alone. */
export function loadResourcesForm(text: string, file: string): Resources {
  return load(text, file, isResources).value;
}

function load<T>(
  text: string,
  file: string,
  validator: Validator<T>,
  tolerate: (value: unknown) => Finding[] = () => [],
): Checked<T> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line, column } = positionsIn(text)(error.offset);
    throw new TsociError(`${file}:${line}:${column}: ${error.message}`);
  }
  const warnings = tolerate(value);
  if (!validator(value)) throw refusal(explain(validator.errors ?? [], value), text, file);
  refuse(nulErrors(text, value), text, file);
  return { value, warnings };
}

/** Throws if there is an error among the findings; else answers the warnings. */
function refuse(findings: readonly Finding[], text: string, file: string): Finding[] {
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.length > 0) throw refusal(errors, text, file);
  return [...findings];
}

function refusal(errors: readonly Finding[], text: string, file: string): TsociError {
  const [first, ...others] = withPlaces(errors, text);
  const more = others.length === 1 ? '1 more problem' : `${others.length} more problems`;
  const tail = others.length === 0 ? '' : ` (and ${more}: tsoci validate shows all)`;
  const message = `${first ? describe(first, file) : `${file}: is not valid`}${tail}`;
  return new TsociError(message, { property: first && nameOf(first.pointer), propertyTold: true });
}
