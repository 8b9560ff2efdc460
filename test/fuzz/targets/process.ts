// The process of `exec --process` as a text.

import { loadProcess } from '../../../src/config/load.ts';
import { stringifyJson } from '../../../src/config/stringify.ts';
import { same, unlessRefused } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const text = data.toString();
  const loaded = unlessRefused(() => loadProcess(text, 'process.json'), text);
  if (!loaded) return;
  const { value } = loaded.value;
  same(loadProcess(stringifyJson(value), 'process.json').value, value, 'what was written and read again');
}
