// Options of mounts that are longer than fsconfig(2) takes.

import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseMountOptions } from '../../src/config/mount-options.ts';
import { isForMount, isLongPath, splitLayers } from '../../src/rootfs/long-options.ts';
import { Sandbox, userNamespace } from './harness.ts';
import { mounting, refusal } from './mounting.ts';

const test = suite('long options');
const box = new Sandbox();

/** A path of that many bytes, and somewhat more, that exists. */
function directory(name: string, bytes = 0): string {
  let path = join(box.directory, name);
  while (path.length < bytes) path = join(path, 'x'.repeat(100));
  mkdirSync(path, { recursive: true });
  return path;
}

test('layers are apart from what is in their names', () => {
  assert.equal(splitLayers('/a:/b\\:c:/d\\\\'), ['/a', '/b:c', '/d\\']);
  const long = `/${'x'.repeat(300)}`;
  const layers = [`lowerdir=/a:${long}`];
  assert.is(isForMount('overlay', parseMountOptions(layers)), !isLongPath('overlay', layers[0] ?? ''));
  assert.ok(isForMount('overlay', parseMountOptions([`lowerdir=/a::${long}`])), 'layers of data alone');
  assert.ok(isForMount('tmpfs', parseMountOptions([`lowerdir=${long}`])));
  assert.not.ok(isForMount('overlay', parseMountOptions(['lowerdir=/a:/b', 'ro'])));
});

for (const users of [false, true])
  test(`an overlay of many layers with long paths${users ? ', in a user namespace' : ''}`, () => {
    const layers = Array.from({ length: 40 }, (_, i) => directory(`layer-${i}`, i % 2 === 0 ? 150 : 400));
    const files = layers.map((layer, i) => join(layer, `file-${i}`));
    for (const [i, file] of files.entries()) writeFileSync(file, String(i));
    const [upper, work] = [directory(`upper-${users}`, 300), directory(`work-${users}`, 300)];
    const root = users ? 100_000 : 0;
    for (const path of [upper, work, ...layers, ...files]) chownSync(path, root, root);
    const output = box.run(
      'cd /mnt; ls | grep -c file-; cat file-0 file-39; echo new >file-39; cat file-39; grep " /mnt" /proc/self/mounts | cut -d" " -f3,4 | cut -d, -f1,2',
      (config) => {
        if (users) userNamespace(config);
        mounting({
          destination: '/mnt',
          type: 'overlay',
          source: 'overlay',
          options: [
            `lowerdir=${layers.join(':')}`,
            `upperdir=${upper}`,
            `workdir=${work}`,
            'nosuid',
            ...(users ? ['userxattr'] : []),
          ],
        })(config);
      },
    );
    assert.is(output, '40\n039new\noverlay rw,nosuid\n');
    assert.is(readFileSync(join(upper, 'file-39'), 'utf8'), 'new\n');
  });

test('a layer that is not there is an error that names it', () => {
  const missing = `/nowhere/${'x'.repeat(300)}`;
  const options = [`lowerdir=${directory('layer')}:${missing}`];
  const said = refusal(box, mounting({ destination: '/mnt', type: 'overlay', source: 'overlay', options }));
  assert.match(said, new RegExp(`mount overlay on /mnt: option lowerdir, ${missing}: ENOENT`));
});

// Zeros in front make an option of any length, which fsconfig(2) refuses.
const size = `size=${'0'.repeat(300)}64k`;

test('what only mount(2) takes has the same effect: mode, owner, flags, propagation, and all the rest', () => {
  const place = join(box.rootfs, 'place');
  mkdirSync(place, { mode: 0o711 });
  chownSync(place, 5, 6);
  const output = box.run(
    'cd /; stat -c "%a %u:%g" place; grep " /place" /proc/self/mountinfo | cut -d" " -f5-7; grep -c " /place" /proc/self/mounts; cat place/in/name; ! touch place/x',
    mounting(
      { destination: '/place', type: 'tmpfs', options: [size, 'ro', 'nosuid', 'noatime', 'sync', 'shared'] },
      { destination: '/place/in', type: 'tmpfs', options: [size, 'mode=700', 'nodev'] },
      { destination: '/place/in/name', source: '/etc/hostname', options: ['bind'] },
    ),
  );
  const [mode, upper, lower, , count, name] = output.split('\n');
  assert.is(mode, '711 5:6');
  assert.match(upper ?? '', /^\/place ro,nosuid,noatime shared:\d+$/);
  assert.match(lower ?? '', /^\/place\/in rw,nodev,relatime/);
  assert.is(count, '3');
  assert.is(name, readFileSync('/etc/hostname', 'utf8').trim());
});

test('no options are dropped: more than mount(2) takes are an error', () => {
  const options = Array.from({ length: 20 }, () => size);
  const said = refusal(box, mounting({ destination: '/mnt', type: 'tmpfs', options }));
  assert.match(said, /mount tmpfs on \/mnt: its options have \d+ bytes; mount\(2\) takes 4095/);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
