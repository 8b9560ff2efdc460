// Every type of namespace new, joined and the host's, as root and as an ordinary user: the table of
// docs/namespaces-matrix.md. `node test/namespaces/matrix.test.ts --write` writes it anew.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NamespaceType } from '../../src/namespaces/namespace-plan.ts';
import { Sandbox } from '../container/harness.ts';
import { ensureUser, RootlessSandbox } from '../rootless/second-user.ts';
import { runCell, types, type Way, ways } from './cells.ts';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'namespaces-matrix.md');

/** What the kernel forbids, by "who type way": the error that says so. */
const forbidden: Readonly<Record<string, string>> = {
  'rootless pid host':
    "mount proc on /proc: EPERM (Operation not permitted); in a user namespace it takes a new pid namespace too, or a bind mount of the host's",
  'rootless ipc host':
    "mount mqueue on /dev/mqueue: EPERM (Operation not permitted); in a user namespace it takes a new ipc namespace too, or a bind mount of the host's",
  'rootless user host':
    'make the namespaces of the container: EPERM (Operation not permitted); without the rights of root it takes a user namespace too',
};

const test = suite('namespaces’ matrix');
const user = ensureUser();
const found = new Map<string, string>();
if (user === undefined) console.log('skipped: only root can be root and a second user too');
else
  for (const who of ['root', 'rootless'] as const)
    defineTests(who, who === 'root' ? new Sandbox() : new RootlessSandbox(user));
if (user !== undefined) test('docs/namespaces-matrix.md says what was found', compare);
test.run();

function defineTests(who: 'root' | 'rootless', box: Sandbox): void {
  for (const type of types) {
    for (const way of ways) {
      const name = `${who} ${type} ${way}`;
      test(name, () => {
        // Without the place in config.json, which is another in each run.
        const said = runCell(box, type, way).replace(/^tsoci: |; mounts\[\d+\] is at .*$/g, '');
        found.set(name, said);
        assert.is(said, forbidden[name] ?? '');
      });
    }
  }

  test(`nothing is left behind of ${who}`, () => {
    assert.equal(box.leftovers(), []);
  });

  test.after(() => box.close());
}

function compare(): void {
  const document = table();
  if (process.argv.includes('--write')) writeFileSync(DOCUMENT, document);
  assert.is(readFileSync(DOCUMENT, 'utf8'), document);
}

function table(): string {
  const notes: string[] = [];
  const cell = (who: string, type: NamespaceType, way: Way): string => {
    const said = found.get(`${who} ${type} ${way}`);
    if (said === '') return 'yes';
    if (said === undefined) return 'not tried';
    notes.push(said);
    return `no [${notes.length}]`;
  };
  const rows = types.map((type) => {
    const cells = ['root', 'rootless'].flatMap((who) => ways.map((way) => cell(who, type, way)));
    return `| \`${type}\` | ${cells.join(' | ')} |`;
  });
  return [
    '# Which namespaces a container can have',
    '',
    '<!-- Written by test/namespaces/matrix.test.ts --write. Do not edit. -->',
    '',
    'Each cell is a container that ran and into which `exec` came: what `tsoci spec` writes, or `tsoci spec --rootless` for an',
    'ordinary user, with one type of namespace new, joined by path, or left out, which leaves it the host’s. An ordinary user',
    'joins a namespace together with the user namespace that it belongs to.',
    '',
    `| | ${['root', 'rootless'].flatMap((who) => ways.map((way) => `${who}: ${way}`)).join(' | ')} |`,
    `| --- |${' --- |'.repeat(2 * ways.length)}`,
    ...rows,
    '',
    'What is not possible is refused by the kernel, and this is what tsoci says:',
    '',
    ...notes.map((note, i) => `${i + 1}. \`${note}\``),
    '',
  ].join('\n');
}
