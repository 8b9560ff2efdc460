// What Bun is made of, and so what the runtime contains that is not ours: packaging/bun.json.

import { spawnSync } from 'node:child_process';
import { bunOf, findTarget, type Target } from '../executable/target.ts';
import { readJson } from '../repository.ts';

export interface Part {
  readonly names: readonly string[];
  /** Of the source that Bun was built from, or Bun's own, which fixes it. */
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  readonly copyright: string;
  readonly source: string;
}

interface Table {
  /** `version` is a name in Bun's process.versions; `libc` that of the only executables that have the part. */
  readonly parts: readonly (Omit<Part, 'version'> & { version?: string; libc?: Target['libc'] })[];
  /** Names in process.versions of what Bun claims to be compatible with, and of Bun itself. */
  readonly notParts: readonly string[];
}

/** Bun first, then its parts. */
export function bunAndParts({ libc }: Target): { bun: Part; parts: Part[] } {
  const versions = bunVersions();
  const { parts, notParts } = readJson('packaging/bun.json') as Table;
  const known = new Set([...notParts, ...parts.map(({ version }) => version)]);
  const unknown = Object.keys(versions).filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new Error(`packaging/bun.json does not tell whose these parts of Bun are: ${unknown.join(', ')}`);
  const own = find(versions, 'bun');
  return {
    bun: {
      names: ['Bun'],
      version: own,
      license: 'MIT',
      copyright: 'Oven (Jarred Sumner) and contributors to Bun',
      source: 'https://github.com/oven-sh/bun',
    },
    parts: parts
      .filter((part) => part.libc === undefined || part.libc === libc)
      .map(({ names, version, license, copyright, source }) => ({
        names,
        version: version === undefined ? `as in Bun ${own}` : find(versions, version),
        license,
        copyright,
        source,
      })),
  };
}

function find(versions: Readonly<Record<string, string>>, name: string): string {
  const found = versions[name];
  if (found === undefined) throw new Error(`packaging/bun.json: Bun has no part ${name} any more`);
  return found;
}

/** Of this machine's Bun: all executables of one version are made of the same. */
function bunVersions(): Readonly<Record<string, string>> {
  const bun = bunOf(findTarget());
  const words = ['--print', 'JSON.stringify(process.versions)'];
  const { status, stdout, stderr, error } = spawnSync(bun, words, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw error ?? new Error(`${bun} ${words.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}
