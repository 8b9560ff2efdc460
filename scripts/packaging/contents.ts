// What an installation consists of, wherever it goes: `npm run install:system` and every package take it from here.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCommands } from '../../src/cli/command-table.ts';
import { version } from '../../src/cli/version.ts';
import { bashCompletion } from '../completions/bash.ts';
import { fishCompletion } from '../completions/fish.ts';
import { zshCompletion } from '../completions/zsh.ts';
import { addon, launcher, runtime } from '../executable/files.ts';
import type { Target } from '../executable/target.ts';
import { manPages } from '../man.ts';
import { root } from '../repository.ts';
import { copyrightText } from './copyright.ts';

/** What the dynamic linker must find. */
const NEEDS: Readonly<Record<Target['libc'], string>> = {
  glibc: 'glibc 2.17 or later',
  musl: 'musl 1.2.5 or later, a libstdc++ for it (Alpine: apk add libstdc++)',
};

export interface InstalledFile {
  /** Below the prefix. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: string | Buffer;
}

/** `built` has what `npm run build` made. The launcher comes last: once it is there, all that it needs is. */
export async function contents(built: string, prefix: string, target: Target): Promise<InstalledFile[]> {
  const commands = await loadCommands();
  const text = (path: string, content: string): InstalledFile => ({ path, mode: 0o644, content });
  const copy = (path: string, file: string, mode: InstalledFile['mode']): InstalledFile => ({
    path,
    mode,
    content: readFileSync(file),
  });
  return [
    text('share/bash-completion/completions/tsoci', bashCompletion(commands)),
    text('share/zsh/site-functions/_tsoci', zshCompletion(commands)),
    text('share/fish/vendor_completions.d/tsoci.fish', fishCompletion(commands)),
    ...[...manPages(commands, version())].map(([name, page]) => text(`share/man/man8/${name}`, page)),
    ...templates('systemd', 'lib/systemd/system', prefix),
    ...templates('examples', 'share/doc/tsoci/examples', prefix),
    text('share/doc/tsoci/README', readme(prefix, target)),
    text('share/doc/tsoci/copyright', copyrightText(target, { common: false })),
    copy(`libexec/tsoci/${addon}`, join(built, addon), 0o644),
    copy(`libexec/tsoci/${runtime}`, join(built, runtime), 0o755),
    copy(`bin/${launcher}`, join(built, launcher), 0o755),
  ];
}

/** What no package manager sees to in an archive stands here. */
function readme(prefix: string, { cpu, libc }: Target): string {
  return readFileSync(join(root, 'packaging', 'README'), 'utf8')
    .replace('@VERSION@', version())
    .replace('@TARGET@', `${cpu} with ${libc}`)
    .replace('@NEEDS@', NEEDS[libc])
    .replaceAll('@PREFIX@', prefix);
}

/** The files of a directory of packaging/, where @PREFIX@ is the place that tsoci is installed in. */
export function templates(directory: string, path: string, prefix: string): InstalledFile[] {
  const from = join(root, 'packaging', directory);
  return globSync('**/*.*', { cwd: from })
    .sort()
    .map((name) => ({
      path: `${path}/${name}`,
      mode: 0o644,
      content: readFileSync(join(from, name), 'utf8').replaceAll('@PREFIX@', prefix),
    }));
}
