// Writes packages into dist/packages: .tar.gz, .deb, .rpm, a software bill of materials, SHA256SUMS; or, with --image,
// an OCI image layout that installs tsoci on a node.
//
//   npm run package -- [--target linux-arm64]… [--format tar|deb|rpm]… [--image] [--revision N] [--output DIRECTORY]
//
// Made twice of one commit, anywhere, they are the same bytes. SOURCE_DATE_EPOCH is the date in them.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findTarget } from './executable/target.ts';
import { writeChecksums } from './packaging/checksums.ts';
import { makeDeb } from './packaging/deb.ts';
import { makeImage } from './packaging/image.ts';
import { MissingTool, type Packager, type Release, runTool, sourceDateEpoch } from './packaging/release.ts';
import { makeRpm } from './packaging/rpm.ts';
import { sbom } from './packaging/sbom.ts';
import { makeTarball } from './packaging/tar.ts';
import { root, version } from './repository.ts';
import { makeWorkDirectory } from './work-directories.ts';

const packagers: Readonly<Record<string, Packager>> = { tar: makeTarball, deb: makeDeb, rpm: makeRpm };
const everyPackager: typeof packagers = { ...packagers, image: makeImage };

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: [`linux-${process.arch}`] },
    format: { type: 'string', multiple: true },
    image: { type: 'boolean', default: false },
    revision: { type: 'string', default: '1' },
    output: { type: 'string', default: 'dist/packages' },
  },
});
const formats = values.image ? ['image'] : values.format;
const output = resolve(root, values.output);
const epoch = sourceDateEpoch();
mkdirSync(output, { recursive: true });
for (const targetName of values.target) await makePackages(targetName);
writeChecksums(output);

async function makePackages(targetName: string): Promise<void> {
  const target = findTarget(targetName);
  mkdirSync(join(root, 'build'), { recursive: true });
  const home = makeWorkDirectory(join(root, 'build', 'package-'));
  try {
    const built = join(home, 'built');
    runTool([process.execPath, 'scripts/build.ts', '--target', targetName, '--output', built], root, epoch);
    const common = {
      version: version(),
      revision: values.revision,
      epoch,
      output,
      target,
      targetName,
      built,
    };
    const bill = `tsoci-${common.version}-${targetName}.cdx.json`;
    writeFileSync(join(output, bill), sbom(target, built, epoch));
    console.log(join(output, bill));
    for (const format of formats ?? Object.keys(packagers))
      await makePackage(format, { ...common, work: join(home, format) });
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function makePackage(format: string, release: Release): Promise<void> {
  const packager = everyPackager[format];
  if (!packager) throw new Error(`format ${format} is none of ${Object.keys(everyPackager).join(', ')}`);
  mkdirSync(release.work);
  try {
    const name = await packager(release);
    if (name !== undefined) console.log(join(output, name));
  } catch (error) {
    // Who asks for a format by its name wants no other.
    if (!(error instanceof MissingTool) || formats) throw error;
    console.log(`skipped: ${format} for ${release.targetName}: ${error.message}`);
  }
}
