// Packages of Debian, downloaded and unpacked but never installed. apt gets a configuration of its own, so that
// the guest is the same whatever the host has; only the archive's address and key are the host's.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/linux/errors.ts';
import { type Architecture, processors } from './architecture.ts';
import { run } from './process.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** /lib stays a link to /usr/lib, and what no test reads stays out. */
const tarOptions = [
  '--keep-directory-symlink',
  ...['doc', 'man', 'locale', 'perl*'].map((name) => `--exclude=./usr/share/${name}`),
];

/** Debian moves old releases to another place, which apt does not know. */
export class NotInArchive extends Error {}

/** A private apt with up-to-date lists; all it keeps is in `directory`. */
export type Apt = { architecture: Architecture; directory: string; options: string[] };

/** The archive that this host's own Debian comes from. */
function archive(): string {
  const targets = run('apt-get', [
    'indextargets',
    '--format',
    '$(ORIGIN) $(RELEASE) $(REPO_URI)',
    'Created-By: Packages',
  ]);
  for (const target of targets.split('\n')) {
    const [origin, release, uri] = target.split(' ');
    if (origin === 'Debian' && uri && release && !release.includes('-')) return uri;
  }
  throw new Error('apt knows no Debian archive; run apt-get update');
}

export function openApt(architecture: Architecture, directory: string, suites: readonly string[]): Apt {
  const path = (name: string) => join(directory, name);
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(path(name), { recursive: true });
  const uri = archive();
  const lines = suites.map((suite) => `deb [signed-by=${keyring}] ${uri} ${suite} main\n`);
  writeFileSync(path('sources.list'), lines.join(''));
  writeFileSync(path('status'), '');
  const { debian } = processors[architecture];
  const settings = {
    'APT::Architecture': debian,
    'APT::Architectures': debian,
    'Dir::Etc::sourcelist': path('sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferencesparts': '-',
    'Dir::State::lists': path('lists'),
    'Dir::State::status': path('status'),
    'Dir::Cache': directory,
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': '0',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  try {
    run('apt-get', [...options, 'update']);
  } catch (error) {
    throw new NotInArchive(`packages of ${suites.join(' and ')}: ${messageOf(error)}`);
  }
  return { architecture, directory, options };
}

/** Unpacks packages and all they depend on into `root`. */
export function unpackWithDependencies(apt: Apt, packages: string[], root: string): void {
  run('apt-get', [...apt.options, '--yes', '--download-only', 'install', ...packages]);
  const archives = join(apt.directory, 'archives');
  for (const name of readdirSync(archives)) {
    if (name.endsWith('.deb')) unpack(join(archives, name), root);
  }
}

/** Unpacks the newest kernel that a package of a suite (`linux-image-cloud-amd64/bookworm`) stands for. Its modules may be in another. */
export function unpackKernel(apt: Apt, image: string, root: string): void {
  const [, suite] = image.split('/');
  const depends = (name: string) => {
    const stanza = run('apt-cache', [...apt.options, 'show', name]);
    return [
      ...(stanza.match(/^Depends: .*/m)?.[0].matchAll(/linux-(?:image|base|binary|modules)-\d\S+/g) ?? []),
    ].map(([name]) => `${name}/${suite}`);
  };
  const direct = depends(image);
  const names = [...direct, ...direct.flatMap(depends)];
  if (names.length === 0) throw new NotInArchive(`no kernel in ${image}`);
  const directory = join(apt.directory, 'kernel');
  mkdirSync(directory);
  run('apt-get', [...apt.options, 'download', ...names], { cwd: directory });
  for (const file of readdirSync(directory)) unpack(join(directory, file), root);
}

function unpack(file: string, root: string): void {
  const pipeline = 'set -o pipefail; dpkg-deb --fsys-tarfile "$0" | tar --extract "$@"';
  run('bash', ['-c', pipeline, file, '--directory', root, ...tarOptions]);
}
