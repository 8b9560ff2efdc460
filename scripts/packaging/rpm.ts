// tsoci-VERSION-REVISION.ARCHITECTURE.rpm, by rpmbuild and packaging/rpm/tsoci.spec.

import { globSync, mkdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from '../repository.ts';
import { bunAndParts } from './bun.ts';
import { contents } from './contents.ts';
import { layOut, type Release, requireTool, runTool } from './release.ts';

const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' } as const;

export async function makeRpm(release: Release): Promise<string | undefined> {
  const { version, revision, epoch, output, work, target, built } = release;
  if (target.libc !== 'glibc') return undefined;
  requireTool('rpmbuild', 'rpm');
  layOut(join(work, 'stage', 'usr'), await contents(built, '/usr', target));
  mkdirSync(join(work, 'tmp'));
  const macros = {
    _topdir: work,
    _tmppath: join(work, 'tmp'),
    _buildhost: 'reproducible',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    tsoci_version: version,
    tsoci_release: revision,
    tsoci_license: licenseOf(release),
    tsoci_date: changelogDate(epoch),
    tsoci_stage: join(work, 'stage'),
  };
  const defines = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  const spec = join(root, 'packaging', 'rpm', 'tsoci.spec');
  runTool(['rpmbuild', '-bb', '--target', ARCHITECTURES[target.cpu], ...defines, spec], work, epoch);
  const [made] = globSync('RPMS/*/*.rpm', { cwd: work });
  if (!made) throw new Error(`rpmbuild has made no .rpm in ${work}`);
  renameSync(join(work, made), join(output, basename(made)));
  return basename(made);
}

/** Of everything in the package, in one SPDX expression. */
function licenseOf({ target }: Release): string {
  const { bun, parts } = bunAndParts(target);
  const each = [bun, ...parts].flatMap(({ license }) => license.split(' AND '));
  return ['Apache-2.0', ...each.map((license) => (license.includes(' OR ') ? `(${license})` : license))]
    .filter((license, index, all) => all.indexOf(license) === index)
    .join(' AND ');
}

/** Sun Nov 29 2026 */
function changelogDate(epoch: number): string {
  return new Date(epoch * 1000).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) .*/, '$1 $3 $2 $4');
}
