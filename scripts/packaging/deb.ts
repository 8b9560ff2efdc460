// tsoci_VERSION-REVISION_ARCHITECTURE.deb, by debhelper: packaging/deb is what it calls debian/.

import { cpSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../repository.ts';
import { contents, templates } from './contents.ts';
import { copyrightText } from './copyright.ts';
import { layOut, type Release, requireTool, runTool } from './release.ts';

const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' } as const;

export async function makeDeb(release: Release): Promise<string | undefined> {
  const { version, revision, epoch, output, work, target, built } = release;
  if (target.libc !== 'glibc') return undefined;
  requireTool('dpkg-buildpackage', 'dpkg-dev');
  requireTool('dh', 'debhelper');
  const source = join(work, `tsoci-${version}`);
  const debian = join(source, 'debian');
  cpSync(join(root, 'packaging', 'deb'), debian, { recursive: true });
  writeFileSync(join(debian, 'changelog'), changelog(`${version}-${revision}`, epoch));
  writeFileSync(join(debian, 'copyright'), copyrightText(target, { common: true }));
  // debhelper puts units where this Debian has them, and writes what enables, stops and restarts them.
  layOut(
    debian,
    templates('systemd', '.', '/usr').map((unit) => ({ ...unit, path: unit.path.replace('./', '') })),
  );
  const files = await contents(built, '/usr', target);
  layOut(
    join(source, 'stage', 'usr'),
    files.filter(({ path }) => !path.startsWith('lib/systemd/') && path !== 'share/doc/tsoci/copyright'),
  );
  const architecture = ARCHITECTURES[target.cpu];
  runTool(
    [
      'dpkg-buildpackage',
      '--build=binary',
      '--no-sign',
      '--no-check-builddeps',
      `--host-arch=${architecture}`,
    ],
    source,
    epoch,
    // Nothing is compiled: the compiler for another architecture is not missed.
    { DEB_BUILD_OPTIONS: 'nocheck' },
  );
  const made = readdirSync(work).find((name) => name.endsWith('.deb'));
  if (!made) throw new Error(`dpkg-buildpackage has made no .deb in ${work}`);
  renameSync(join(work, made), join(output, made));
  return made;
}

function changelog(version: string, epoch: number): string {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  return `tsoci (${version}) unstable; urgency=medium

  * Built from the sources of this version.

 -- tsoci maintainers <maintainers@tsoci.example>  ${date}
`;
}
