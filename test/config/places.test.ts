// Where a value stands: what `create` and `validate` say alike, and what an error of a property says.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatFindings } from '../../src/config/finding.ts';
import { loadChecked } from '../../src/config/load.ts';
import { placesIn, tellPlace } from '../../src/config/places.ts';
import { validateConfig } from '../../src/config/validate.ts';

const test = suite('places');

const text = `{
  "ociVersion": "1.3.0",
  "root": { "path": "rootfs" },
  "mounts": [
    { "destination": "/a" },
    { "destination": "/b", "options": ["ro", "x"] }
  ],
  "linux": { "sysctl": { "net.a/b~c": "1" }, "namespaces": [] }
}
`;

test('of a value, or of where a missing one belongs', () => {
  const placeOf = placesIn(text);
  assert.equal(placeOf(''), { line: 1, column: 1 });
  assert.equal(placeOf('/mounts/1/options/1'), { line: 6, column: 46 });
  assert.equal(placeOf('/mounts/1/type'), { line: 6, column: 5 });
  assert.equal(placeOf('/process/cwd'), { line: 1, column: 1 });
});

test('of a property as errors and traces name it', () => {
  const file = 'config.json';
  const told = (property: string) => tellPlace(property, { file, text });
  assert.is(told('mounts[1]'), 'mounts[1] is at config.json:6:5');
  assert.is(told('mounts[1].options[1]'), 'mounts[1].options[1] is at config.json:6:46');
  assert.is(told('linux.sysctl["net.a/b~c"]'), 'linux.sysctl["net.a/b~c"] is at config.json:8:39');
  assert.is(told('linux.rootfsPropagation'), 'linux.rootfsPropagation is at config.json:8:12');
  const deep = `{"ociVersion":"1.3.0","x":${'['.repeat(600)}${']'.repeat(600)}}`;
  assert.is(tellPlace('root.path', { file, text: deep }), 'root.path is in config.json');
});

test('create and validate write them alike', () => {
  const wrong = text.replace('"/a"', '5');
  const [first] = formatFindings(validateConfig(wrong), 'config.json').split('\n');
  assert.is(
    first,
    'config.json:5:22: error: /mounts/0/destination is 5; expected a string (config.md#mounts)',
  );
  assert.throws(() => loadChecked(wrong, 'config.json'), /^config\.json:5:22: mounts\[0\]\.destination is 5/);
  const deep = `{"ociVersion":5,"x":${'['.repeat(600)}${']'.repeat(600)}}`;
  assert.throws(() => loadChecked(deep, 'config.json'), /^config\.json: ociVersion is 5/);
});

test.run();
