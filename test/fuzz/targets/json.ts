// JSON: what parseJson accepts is what JSON.parse does, what it tells of places is true, and JSON pointers and property names
// lead back to where they came from.

import { nameOf } from '../../../src/config/finding.ts';
import { parseJson } from '../../../src/config/json.ts';
import { scanJson } from '../../../src/config/json-scan.ts';
import { extentIn, pointerOf } from '../../../src/config/places.ts';
import { stringifyJson } from '../../../src/config/stringify.ts';
import { holds, same, unlessRefused } from '../properties.ts';

export function fuzz(data: Buffer): void {
  const text = data.toString();
  const parsed = unlessRefused(() => parseJson(text), text);
  holds(!parsed === !isJson(text), 'parseJson and JSON.parse do not agree');
  const scanned = unlessRefused(() => scanJson(text), text);
  if (!parsed || !scanned) return;
  const { value } = parsed;
  same(parseJson(stringifyJson(value)), value, 'what was written and read again');
  for (const pointer of scanned.value.keys()) {
    const extent = extentIn(text, pointer);
    holds(extent?.exact === true && isJson(extent.text), `${pointer} is not where it is said to be`);
    if (pointer !== '') same(pointerOf(nameOf(pointer)), pointer, `the name of ${pointer}`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
