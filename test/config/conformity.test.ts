// What the schemas of the specification accept or refuse, ours do too, for thousands of variants of valid documents. Where
// ours differ on purpose, the difference is listed with its reason; an unlisted one fails the test, a stale one too.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isConfig } from '../../src/config/generated/validators/config.js';
import { isFeatures } from '../../src/config/generated/validators/features.js';
import { isState } from '../../src/config/generated/validators/state.js';
import { validateConfig } from '../../src/config/validate.ts';
import { fullConfig, fullFeatures, fullState, minimalConfig } from './full.ts';
import { type Variant, variants } from './variants.ts';

const directory = join(import.meta.dirname, '..', '..', '..', 'shared', 'oci-runtime-spec', 'schema');

interface Difference {
  /** Which values it is about, by JSON pointer. */
  at: RegExp;
  /** Which changes of them; all if absent. */
  change?: RegExp;
  ours: 'stricter' | 'laxer';
  reason: string;
}

const requiredByText = 'REQUIRED in the text, which is the canonical schema (config.md)';
const int64Range = 'the kernel takes much less; a number that is exact is enough';

const configDifferences: Difference[] = [
  { at: /\/user\/[ug]id$/, change: /removed/, ours: 'stricter', reason: requiredByText },
  { at: /\/process\/user$/, change: /^\{/, ours: 'stricter', reason: requiredByText },
  { at: /\/ioPriority\/priority$/, change: /removed/, ours: 'stricter', reason: requiredByText },
  { at: /\/memoryPolicy\/mode$/, change: /removed/, ours: 'stricter', reason: requiredByText },
  { at: /\/personality\/domain$/, change: /removed/, ours: 'stricter', reason: requiredByText },
  { at: /\/(memoryPolicy|personality)$/, change: /^\{/, ours: 'stricter', reason: requiredByText },
  { at: /\/throttle\w+\/0\/rate$/, change: /removed/, ours: 'stricter', reason: requiredByText },
  { at: /\/pids\/limit$/, change: /removed/, ours: 'laxer', reason: 'OPTIONAL in the text' },
  { at: /\/pids$/, change: /^\{/, ours: 'laxer', reason: 'limit is OPTIONAL in the text' },
  { at: /\/(major|minor)$/, ours: 'stricter', reason: int64Range },
  { at: /\/consoleSize\/(height|width)$/, ours: 'stricter', reason: int64Range },
  { at: /\/hooks\/\w+\/0\/timeout$/, ours: 'stricter', reason: int64Range },
  { at: /\/oomScoreAdj$/, ours: 'stricter', reason: 'proc(5): -1000 to 1000' },
  { at: /\/ioPriority\/priority$/, ours: 'stricter', reason: '0 to 7 in the text' },
  { at: /\/memory\/swappiness$/, ours: 'stricter', reason: '0 to 100 in the text' },
  { at: /\/cpu\/idle$/, ours: 'stricter', reason: '0 or 1 in the text' },
  { at: /\/rlimits\/0\/type$/, ours: 'stricter', reason: 'an unknown limit MUST be an error' },
  { at: /\/resources\/devices\/0\/type$/, ours: 'stricter', reason: 'a, b or c in the text' },
  { at: /\/resources\/devices\/0\/access$/, ours: 'stricter', reason: 'of r, w and m in the text' },
  {
    at: /\/devices\/0\/fileMode$/,
    ours: 'laxer',
    reason: 'a uint32 in the text; old engines add the type bits',
  },
  {
    at: /\/rootfsPropagation$/,
    change: /"rslave"|^""$/,
    ours: 'laxer',
    reason: 'what containerd and Docker write, and others that write all that there is',
  },
];

const stateDifferences: Difference[] = [
  { at: /\/pid$/, change: /removed/, ours: 'stricter', reason: 'REQUIRED on Linux in the text' },
  { at: /\/pid$/, ours: 'stricter', reason: 'a pid_t' },
  { at: /\/status$/, change: /"paused"/, ours: 'laxer', reason: 'the text allows more values' },
];

const featuresDifferences: Difference[] = [
  { at: /./, change: /^null$/, ours: 'laxer', reason: 'null is absent (features.md)' },
  {
    at: /^\/linux\/memoryPolicy/,
    ours: 'stricter',
    reason: 'only in the text (features-linux.md#memorypolicy)',
  },
  { at: /^\/linux\/intelRdt\//, ours: 'stricter', reason: 'only in the text (features-linux.md#intel-rdt)' },
];

const test = suite('conformity with the schemas of the specification');

if (!existsSync(directory)) {
  console.log(
    'skipped: the schemas of the specification are not beside the project (../shared/oci-runtime-spec/schema)',
  );
} else {
  const spec = specificationSchemas();

  test('config', () => {
    const propagation = ['private', 'shared', 'unbindable', 'rslave'];
    const changes = [
      ...variants(fullConfig()),
      ...variants(minimalConfig()),
      ...propagation.map((value): Variant => {
        const document = { ...fullConfig(), linux: { rootfsPropagation: value } };
        return { pointer: '/linux/rootfsPropagation', change: JSON.stringify(value), document };
      }),
    ];
    compare(changes, isConfig, spec('config-schema.json'), configDifferences);
  });

  test('the example of config.md has nothing wrong but what is deprecated', () => {
    const page = readFileSync(join(directory, '..', 'config.md'), 'utf8');
    const [, example = ''] =
      /## Configuration Schema Example\n[\s\S]*?```json\n([\s\S]*?)```/.exec(page) ?? [];
    const findings = validateConfig(example);
    assert.equal(
      findings.map(({ level, pointer, problem }) => `${level} ${pointer} ${problem}`),
      [
        'warning /hooks/prestart is deprecated',
        'warning /linux/resources/memory/kernel is deprecated',
        'warning /linux/resources/memory/kernelTCP is deprecated',
      ],
    );
  });

  test('state', () => {
    const statuses = ['creating', 'created', 'stopped', 'paused', 'unknown'];
    const changes = [
      ...variants(fullState()),
      ...statuses.map((status): Variant => {
        return { pointer: '/status', change: JSON.stringify(status), document: { ...fullState(), status } };
      }),
    ];
    compare(changes, isState, spec('state-schema.json'), stateDifferences);
  });

  test('features', () => {
    compare([...variants(fullFeatures())], isFeatures, spec('features-schema.json'), featuresDifferences);
  });
}

test.run();

function compare(
  changes: readonly Variant[],
  ours: (value: unknown) => boolean,
  theirs: (value: unknown) => boolean,
  differences: readonly Difference[],
): void {
  const met = new Set<Difference>();
  const unlisted: string[] = [];
  const refused = new Set<boolean>();
  for (const { pointer, change, document } of changes) {
    const accepted = ours(document);
    refused.add(!accepted);
    const expected = theirs(rounded(document));
    if (accepted === expected) continue;
    const sense = accepted ? 'laxer' : 'stricter';
    const listed = differences.find(
      (d) => d.ours === sense && d.at.test(pointer) && (d.change?.test(change) ?? true),
    );
    if (listed) met.add(listed);
    else unlisted.push(`${pointer} ${change}: ours is ${sense}`);
  }
  assert.ok(changes.length >= 50, `${changes.length} variants`);
  assert.is(refused.size, 2, 'some are accepted, some refused');
  assert.equal(unlisted, []);
  assert.equal(
    differences.filter((difference) => !met.has(difference)).map(({ at, reason }) => `${at}: ${reason}`),
    [],
    'differences that are none',
  );
}

/** ajv takes numbers only. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, rounded(child)]));
}

/** They are of draft 4, of which they use nothing that later drafts have otherwise. */
function specificationSchemas(): (file: string) => (value: unknown) => boolean {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const file of readdirSync(directory)) {
    const { $schema, ...schema } = JSON.parse(readFileSync(join(directory, file), 'utf8'));
    ajv.addSchema({ ...schema, $id: file });
  }
  for (const platform of ['windows', 'solaris', 'vm', 'zos', 'freebsd'])
    ajv.addSchema({ $id: `config-${platform}.json`, [platform]: { type: 'object' } });
  return (file) => {
    const validate = ajv.getSchema(file);
    if (!validate) throw new Error(`the specification has no ${file}`);
    return (value) => validate(value) === true;
  };
}
