// The resources of `update` as a text, and what they come to: on top of those that a container had, as writes to its cgroup,
// as properties of a unit of systemd, and as a program for devices.

import { mergeResources } from '../../../src/cgroups/resources/merge.ts';
import { controllerNeeds, planResources } from '../../../src/cgroups/resources/resource-plan.ts';
import { loadResources } from '../../../src/config/load.ts';
import { stringifyJson } from '../../../src/config/stringify.ts';
import { holds, same, unlessRefused } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const text = data.toString();
  const loaded = unlessRefused(() => loadResources(text, 'resources.json'), text);
  if (!loaded) return;
  const { value } = loaded.value;
  const written = stringifyJson(value);
  same(loadResources(written, 'resources.json').value, value, 'what was written and read again');
  const merged = mergeResources(value, value);
  unlessRefused(() => loadResources(stringifyJson(merged), 'merged'), text);
  for (const has of [() => true, () => false]) {
    const planned = unlessRefused(() => planResources(value, has), text);
    for (const { file, value: bytes } of planned?.value.writes ?? [])
      holds(!/\/|\0|undefined|NaN/.test(file) && !/undefined|NaN|\[object/.test(bytes), `${file}: ${bytes}`);
  }
  unlessRefused(() => controllerNeeds(value), text);
}
