// Installs dist/ with shell completions, man pages and units under PREFIX (/usr/local), inside DESTDIR if it is set.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { launcher } from './executable/files.ts';
import { findTarget } from './executable/target.ts';
import { contents } from './packaging/contents.ts';
import { installFiles } from './packaging/place.ts';
import { root } from './repository.ts';

const { PREFIX = '/usr/local', DESTDIR = '' } = process.env;
const built = join(root, 'dist');
if (!existsSync(join(built, launcher))) throw new Error(`${built} has no ${launcher}: npm run build`);

const files = await contents(built, PREFIX, findTarget());
const place = join(DESTDIR, PREFIX);
installFiles(place, files);
for (const { path } of files) console.log(join(place, path));
