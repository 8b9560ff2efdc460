// The software bill of materials of an executable, in CycloneDX: what `npm sbom` says of Bun, and what Bun is made of.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { files } from '../executable/files.ts';
import type { Target } from '../executable/target.ts';
import { root } from '../repository.ts';
import { bunAndParts, type Part } from './bun.ts';

/** Of CycloneDX, what is read or changed here. */
interface Bom {
  serialNumber?: string;
  metadata: { timestamp: string; lifecycles: unknown; component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Component {
  'bom-ref': string;
  type: string;
  name: string;
  version?: string;
  scope?: string;
  components?: Component[];
  [property: string]: unknown;
}

/** `built` has what `npm run build` made; `epoch` is in seconds. */
export function sbom(target: Target, built: string, epoch: number): string {
  const bom = npmSbom();
  const { component } = bom.metadata;
  const bun = bom.components.find(({ name }) => name === `@oven/${target.name}`);
  if (!bun) throw new Error(`npm sbom does not name @oven/${target.name}`);
  const { parts } = bunAndParts(target);
  bun.scope = 'required';
  bun.components = parts.flatMap(partComponents);
  // npm names the project after its directory, and numbers each list at random.
  const { serialNumber: _, ...rest } = bom;
  const complete = {
    ...rest,
    metadata: {
      ...bom.metadata,
      timestamp: new Date(epoch * 1000).toISOString(),
      lifecycles: [{ phase: 'build' }],
      component: { ...component, name: 'tsoci', components: files.map((name) => file(built, name)) },
    },
    components: [bun],
    dependencies: [
      { ref: component['bom-ref'], dependsOn: [bun['bom-ref']] },
      { ref: bun['bom-ref'], dependsOn: bun.components.map((part) => part['bom-ref']) },
    ],
  };
  return `${JSON.stringify(complete, null, 2)}\n`;
}

/** Of nothing but the lock file. */
function npmSbom(): Bom {
  const words = [
    'sbom',
    '--sbom-format=cyclonedx',
    '--sbom-type=application',
    '--package-lock-only',
    '--omit=dev',
  ];
  const { status, stdout, stderr, error } = spawnSync('npm', words, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`npm ${words.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

function partComponents({ names, version, license, copyright, source }: Part): Component[] {
  return names.map((name) => ({
    'bom-ref': `bun:${name}`,
    type: 'library',
    name,
    version,
    copyright,
    licenses: [{ expression: license }],
    externalReferences: [{ type: 'vcs', url: source }],
  }));
}

function file(built: string, name: string): Component {
  const content = createHash('sha256')
    .update(readFileSync(join(built, name)))
    .digest('hex');
  return { 'bom-ref': `file:${name}`, type: 'file', name, hashes: [{ alg: 'SHA-256', content }] };
}
