// share/doc/tsoci/copyright: whose tsoci is, whose what it contains is, and under which licences.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../executable/target.ts';
import { root } from '../repository.ts';
import { bunAndParts, type Part } from './bun.ts';

/** Texts that every Debian system has in /usr/share/common-licenses, so that no package repeats them. */
const COMMON: Readonly<Record<string, string>> = {
  'Apache-2.0': 'Apache-2.0',
  'GPL-2.0': 'GPL-2',
  'GPL-3.0': 'GPL-3',
  'LGPL-2.0': 'LGPL-2',
  'LGPL-2.1': 'LGPL-2.1',
  'MPL-2.0': 'MPL-2.0',
};

/** `common`: leave out what /usr/share/common-licenses has. */
export function copyrightText(target: Target, { common }: { common: boolean }): string {
  const { bun, parts } = bunAndParts(target);
  const licenses = new Set(['Apache-2.0', ...[bun, ...parts].flatMap(({ license }) => licensesIn(license))]);
  return [
    `tsoci is an OCI runtime for Linux.

Copyright: the maintainers of tsoci
License: Apache-2.0`,
    `The file tsoci-runtime consists of tsoci and of Bun, whose executables come from npm as
@oven/${target.name} and are not changed. Bun contains what follows. The sources of each part, JavaScriptCore,
which is under the LGPL, among them, are at the address beside it; Bun's repository builds them, and with another
JavaScriptCore a new Bun, with which scripts/build.ts of tsoci makes a new tsoci-runtime.`,
    ...[bun, ...parts].map(paragraph),
    ...[...licenses].sort().map((id) => licenseText(id, common)),
  ].join('\n\n');
}

function paragraph({ names, version, license, copyright, source }: Part): string {
  return `${names.join(', ')}\n  Version: ${version}\n  Source: ${source}\n  Copyright: ${copyright}\n  License: ${license}`;
}

/** The ids in an SPDX expression, as the files of packaging/licenses are called. */
export function licensesIn(expression: string): string[] {
  return expression.split(/ (?:AND|OR|WITH) /).map((id) => id.replace(/-(only|or-later)$/, ''));
}

function licenseText(id: string, common: boolean): string {
  const title = `${'-'.repeat(80)}\n${id}\n`;
  if (common && COMMON[id]) return `${title}\nThe text is in /usr/share/common-licenses/${COMMON[id]}.\n`;
  const file = id === 'Apache-2.0' ? 'LICENSE' : `packaging/licenses/${id}.txt`;
  if (!existsSync(join(root, file)))
    throw new Error(`there is no ${file}, which a part of Bun is licensed by`);
  return `${title}\n${readFileSync(join(root, file), 'utf8')}`;
}
