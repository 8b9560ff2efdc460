// config.json as a text (src/config): `create` and `validate` agree on it, and what is accepted is the same when it is written
// and read again.

import { formatFindings } from '../../../src/config/finding.ts';
import { loadChecked } from '../../../src/config/load.ts';
import { stringifyJson } from '../../../src/config/stringify.ts';
import { validateConfig } from '../../../src/config/validate.ts';
import { holds, same, unlessRefused } from '../properties.ts';

const FILE = 'config.json';

export function fuzz(data: Buffer): void {
  const text = data.toString();
  const loaded = unlessRefused(() => loadChecked(text, FILE), text);
  const findings = validateConfig(text);
  formatFindings(findings, FILE);
  const errors = findings.filter(({ level }) => level === 'error');
  holds(!loaded === errors.length > 0, `create ${loaded ? 'accepts' : 'refuses'} it, validate does not`);
  if (!loaded) return;
  const { value } = loaded.value;
  same(loadChecked(stringifyJson(value), FILE).value, value, 'what was written and read again');
}
