// Removes what `npm run install:system` has put under PREFIX (/usr/local), inside DESTDIR if it is set, and nothing else.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launcher } from './executable/files.ts';
import { readInstalled, removeFiles } from './packaging/place.ts';

const { PREFIX = '/usr/local', DESTDIR = '' } = process.env;
const place = join(DESTDIR, PREFIX);
const installed = readInstalled(place);
if (!installed) {
  console.error(`uninstall:system: npm run install:system has installed nothing below ${place}`);
  process.exit(1);
}
// What is staged for another machine is nobody's runtime here.
if (DESTDIR === '') {
  tellContainers();
  stopServer();
}
removeFiles(place, installed);
console.log(`removed tsoci from ${place}`);

function tellContainers(): void {
  const { status, stdout } = spawnSync(join(place, 'bin', launcher), ['list', '--format', 'json'], {
    encoding: 'utf8',
  });
  if (status !== 0) return;
  const all = JSON.parse(stdout) as readonly { id: string; status: string }[];
  const alive = all.filter(({ status }) => status !== 'stopped').map(({ id }) => id);
  if (alive.length > 0)
    console.error(
      `warning: containers go on that nothing can stop now but tsoci, once installed again: ${alive.join(', ')}`,
    );
}

function stopServer(): void {
  const unit = 'tsoci.socket';
  if (!installed?.includes(`lib/systemd/system/${unit}`) || !existsSync('/run/systemd/system')) return;
  spawnSync('systemctl', ['disable', '--quiet', '--now', unit, 'tsoci.service'], { stdio: 'inherit' });
}
