// tsoci-VERSION-TARGET.tar.gz: a directory to copy to /usr/local.

import { join } from 'node:path';
import { contents } from './contents.ts';
import { layOut, type Release, requireTool, runTool } from './release.ts';

const PREFIX = '/usr/local';

export async function makeTarball(release: Release): Promise<string> {
  const { version, targetName, work, output, epoch, built, target } = release;
  const name = `tsoci-${version}-${targetName}`;
  layOut(join(work, name), await contents(built, PREFIX, target));
  const archive = join(output, `${name}.tar`);
  pack(work, name, archive, epoch);
  compressFile(archive, epoch);
  return `${name}.tar.gz`;
}

/** The same bytes for the same names, modes and contents: order, owners and times are fixed. */
export function pack(parent: string, name: string, archive: string, epoch: number): void {
  requireTool('tar', 'tar');
  const fixed = [
    ...['--format=ustar', '--sort=name', `--mtime=@${epoch}`],
    ...['--owner=0', '--group=0', '--numeric-owner'],
  ];
  runTool(['tar', ...fixed, '-cf', archive, '-C', parent, name], parent, epoch);
}

/** Puts FILE.gz in the place of a file. */
export function compressFile(path: string, epoch: number): void {
  requireTool('gzip', 'gzip');
  runTool(['gzip', '--no-name', '--force', path], '/', epoch);
}
