// config.md#specification-version, #extensibility and #valid-values: what a runtime accepts as a configuration.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Section } from '../harness/check.ts';
import { expectEqual, expectError } from '../harness/expect.ts';
import { type Json, removeAt, setAt } from '../harness/json.ts';
import { prints, refuses } from '../harness/shapes.ts';

/** A value that must be refused: where it is, what it is, and a valid one for a broken runtime to take it for. */
interface Invalid {
  id: string;
  section?: Section;
  what: string;
  at: string;
  value: Json;
  valid?: Json;
}

const INVALID: Invalid[] = [
  {
    id: 'args-string',
    what: 'process.args that is no array',
    at: '/process/args',
    value: 'true',
    valid: ['true'],
  },
  {
    id: 'env-object',
    what: 'process.env that is no array',
    at: '/process/env',
    value: { A: 'b' },
    valid: [],
  },
  { id: 'cwd-number', what: 'process.cwd that is no string', at: '/process/cwd', value: 5, valid: '/' },
  { id: 'terminal-string', what: 'terminal that is no boolean', at: '/process/terminal', value: 'no' },
  {
    id: 'uid-string',
    what: 'process.user.uid that is no number',
    at: '/process/user/uid',
    value: '0',
    valid: 0,
  },
  { id: 'uid-negative', what: 'a negative process.user.uid', at: '/process/user/uid', value: -1, valid: 0 },
  { id: 'readonly-string', what: 'root.readonly that is no boolean', at: '/root/readonly', value: 'true' },
  { id: 'hostname-number', what: 'hostname that is no string', at: '/hostname', value: 5 },
  {
    id: 'mounts-object',
    what: 'mounts that is no array',
    at: '/mounts',
    value: {},
    valid: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
    ],
  },
  {
    id: 'mount-options-string',
    what: 'mount options that are no array',
    at: '/mounts/-1/options',
    value: 'ro',
  },
  {
    id: 'namespaces-object',
    what: 'namespaces that is no array',
    at: '/linux/namespaces',
    value: {},
    valid: [],
  },
  {
    id: 'namespace-type',
    what: 'an unknown type of namespace',
    at: '/linux/namespaces/-1/type',
    value: 'no-such-type',
    valid: 'uts',
  },
  { id: 'hooks-array', what: 'hooks that is no object', at: '/hooks', value: ['/bin/true'], valid: {} },
];

const EXTENSIONS: [where: string, pointer: string][] = [
  ['top', '/com.example.unknown'],
  ['process', '/process/comExampleUnknown'],
  ['root', '/root/comExampleUnknown'],
  ['mount', '/mounts/-1/comExampleUnknown'],
  ['linux', '/linux/comExampleUnknown'],
  ['namespace', '/linux/namespaces/0/comExampleUnknown'],
];

export const checks: Check[] = [
  ...['1.0.0', '1.0.2', '1.0.2-dev', '1.1.0', '1.2.1', '1.3.0'].map(
    (version): Check => ({
      id: `version-${version}`,
      section: 'config.md#specification-version',
      level: 'MUST',
      requirement: `A configuration of version ${version} is accepted.`,
      musts: [1],
      broken: { reads: '/process', as: {} },
      run: prints(
        'echo ran',
        (config) => {
          config.ociVersion = version;
        },
        'ran',
      ),
    }),
  ),
  {
    id: 'version-missing',
    section: 'config.md#specification-version',
    level: 'MUST',
    requirement: 'A configuration without the required ociVersion is an error.',
    also: ['config.md#valid-values/1'],
    broken: { reads: '/ociVersion', as: '1.0.2' },
    run: refuses('ociVersion is missing', (config) => removeAt(config, '/ociVersion')),
  },
  ...['1', '1.0', 'v1.0.2', 'one'].map(
    (version): Check => ({
      id: `version-not-semver-${version}`,
      section: 'config.md#specification-version',
      level: 'MUST',
      requirement: `An ociVersion that is not in SemVer format, ${JSON.stringify(version)}, is an error.`,
      musts: [1],
      also: ['config.md#valid-values/1'],
      broken: { reads: '/ociVersion', as: '1.0.2' },
      run: refuses('ociVersion is not in SemVer format', (config) => setAt(config, '/ociVersion', version)),
    }),
  ),
  {
    id: 'version-major-unsupported',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A configuration of a major version that the runtime does not support is an error.',
    musts: [1],
    broken: { reads: '/ociVersion', as: '1.0.2' },
    run: refuses('there is no version 99', (config) => setAt(config, '/ociVersion', '99.0.0')),
  },
  ...EXTENSIONS.map(
    ([where, pointer]): Check => ({
      id: `unknown-property-${where}`,
      section: 'config.md#extensibility',
      level: 'MUST',
      requirement: `An unknown property (${pointer}) is ignored.`,
      musts: [1],
      broken: { reads: '/process', as: {} },
      run: prints('echo ran', (config) => setAt(config, pointer, { a: ['value', 1, null] }), 'ran'),
    }),
  ),
  {
    id: 'config-not-json',
    section: 'config.md#valid-values',
    level: 'MUST',
    requirement: 'A config.json that is not JSON is an error.',
    musts: [1],
    broken: { forgives: 'create' },
    async run(trial) {
      const container = trial.container(trial.bundle('true'));
      writeFileSync(join(container.bundle.directory, 'config.json'), '{ "ociVersion": ');
      expectError(await container.create(), 'config.json is not JSON');
      expectEqual(await container.exists(), false, 'existence of the container');
    },
  },
  ...INVALID.map(
    ({ id, section = 'config.md#valid-values', what, at, value, valid }): Check => ({
      id: `invalid-${id}`,
      section,
      level: 'MUST',
      requirement: `A configuration with ${what} is an error.`,
      musts: [1],
      broken: valid === undefined ? { ignores: at } : { reads: at, as: valid },
      run: refuses(`the configuration has ${what}`, (config) => setAt(config, at, value)),
    }),
  ),
  {
    id: 'annotations-unknown-key',
    section: 'config.md#annotations',
    level: 'MUST',
    requirement: 'Annotations that the runtime does not know are accepted, reserved keys included.',
    musts: [13, 14],
    broken: { reads: '/process', as: {} },
    run: prints(
      'echo ran',
      (config) => {
        config.annotations = {
          'com.example.unknown': 'value',
          plain: '',
          'org.opencontainers.image.os': 'linux',
          'org.opencontainers.unknown': 'value',
        };
      },
      'ran',
    ),
  },
  {
    id: 'annotations-empty-map',
    section: 'config.md#annotations',
    level: 'MAY',
    requirement: 'annotations may be an empty map.',
    broken: { reads: '/process', as: {} },
    run: prints(
      'echo ran',
      (config) => {
        config.annotations = {};
      },
      'ran',
    ),
  },
  {
    id: 'annotations-empty-key',
    section: 'config.md#annotations',
    level: 'MUST',
    requirement: 'An annotation whose key is the empty string is an error.',
    musts: [2, 3],
    also: ['config.md#valid-values/1'],
    broken: { ignores: '/annotations' },
    run: refuses('a key is empty', (config) => {
      config.annotations = { '': 'value' };
    }),
  },
  ...(
    [
      ['value-number', 'An annotation whose value is no string', { key: 5 }, 15],
      ['array', 'annotations that is no map', ['value'], 1],
    ] as const
  ).map(
    ([id, what, value, must]): Check => ({
      id: `annotations-${id}`,
      section: 'config.md#annotations',
      level: 'MUST',
      requirement: `${what} is an error.`,
      musts: [must],
      also: ['config.md#valid-values/1'],
      broken: { ignores: '/annotations' },
      run: refuses(`of ${what}`, (config) => setAt(config, '/annotations', value)),
    }),
  ),
];
