// Installs dist/ with shell completions and man pages under PREFIX (/usr/local), inside DESTDIR if it is set.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadCommands } from '../src/cli/command-table.ts';
import { version } from '../src/cli/version.ts';
import { bashCompletion } from './completions/bash.ts';
import { fishCompletion } from './completions/fish.ts';
import { zshCompletion } from './completions/zsh.ts';
import { addon, launcher, runtime } from './executable/files.ts';
import { manPages } from './man.ts';

const { PREFIX = '/usr/local', DESTDIR = '' } = process.env;
const built = join(import.meta.dirname, '..', 'dist');
if (!existsSync(join(built, launcher))) throw new Error(`${built} has no ${launcher}: npm run build`);

const commands = await loadCommands();
for (const [file, directory, mode] of [
  [addon, 'libexec/tsoci', 0o644],
  [runtime, 'libexec/tsoci', 0o755],
  [launcher, 'bin', 0o755],
] as const) {
  const content = readFileSync(join(built, file));
  install(`${directory}/${file}`, mode, (target) => writeFileSync(target, content));
}
installText('share/bash-completion/completions/tsoci', bashCompletion(commands));
installText('share/zsh/site-functions/_tsoci', zshCompletion(commands));
installText('share/fish/vendor_completions.d/tsoci.fish', fishCompletion(commands));
for (const [name, text] of manPages(commands, version())) installText(`share/man/man8/${name}`, text);

// Opt-in: systemctl enable --now tsoci.socket
const socketUnit = `[Unit]
Description=Socket of the warm runtimes of tsoci

[Socket]
ListenSequentialPacket=/run/tsoci-serve/socket
SocketMode=0600
DirectoryMode=0700
Backlog=1

[Install]
WantedBy=sockets.target
`;
const serviceUnit = `[Unit]
Description=Warm runtimes of tsoci
Documentation=man:tsoci-serve(8)

[Service]
Type=notify
NotifyAccess=all
ExecStart=${join(PREFIX, 'bin', launcher)} serve
`;
installText('lib/systemd/system/tsoci.socket', socketUnit);
installText('lib/systemd/system/tsoci.service', serviceUnit);

function installText(path: string, text: string): void {
  install(path, 0o644, (target) => writeFileSync(target, text));
}

/** Puts a file in its place whole, also where the old one is being executed. */
function install(path: string, mode: number, write: (target: string) => void): void {
  const target = join(DESTDIR, PREFIX, path);
  mkdirSync(dirname(target), { recursive: true });
  const next = `${target}.next`;
  rmSync(next, { force: true });
  write(next);
  chmodSync(next, mode);
  renameSync(next, target);
  console.log(target);
}
