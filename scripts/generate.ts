// Writes the generated files that are committed. With --check: writes nothing, exits 1 if a committed file differs from
// what its source makes.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addons } from './generate-addon.ts';
import { configTypes } from './generate-config.ts';
import { launcherImages } from './generate-launcher.ts';
import { stubImages } from './generate-stub.ts';
import { configValidators } from './generate-validators.ts';

/** A generated file, its path from the project's root; or the reason why it cannot be made on this machine. */
type Generated = { file: string; text: string } | { file: string; missing: string };

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const LAUNCHER = 'src/launcher/images.ts';

const generators: (() => Generated[] | Promise<Generated[]>)[] = [
  configTypes,
  configValidators,
  () => [{ file: 'src/stub/images.ts', ...stubImages() }],
  () => [{ file: LAUNCHER, ...launcherImages(check ? committedText(LAUNCHER) : undefined) }],
];

for (const generate of generators) {
  for (const made of await generate()) {
    if ('missing' in made) console.warn(`${made.file}: left as it is: ${made.missing}`);
    else update(made);
  }
}

for (const { file, bytes } of addons()) {
  if (check) differs(file);
  else write(file, bytes());
}

function update({ file, text }: { file: string; text: string }): void {
  const committed = committedText(file);
  if (committed === text) return;
  const formatted = format(file, text);
  if (committed === formatted) return;
  if (check) differs(file);
  else write(file, formatted);
}

function differs(file: string): void {
  console.error(`${file}: differs from its source; run npm run generate`);
  process.exitCode = 1;
}

function write(file: string, content: string | Buffer): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  console.log(file);
}

function committedText(file: string): string | undefined {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** The text as `npm run lint` wants it; biome leaves the files that its configuration excludes as they are. */
function format(file: string, text: string): string {
  const biome = join(root, 'node_modules', '.bin', 'biome');
  const { status, stdout, stderr } = spawnSync(biome, ['format', `--stdin-file-path=${file}`], {
    cwd: root,
    encoding: 'utf8',
    input: text,
  });
  if (status !== 0) throw new Error(`biome format ${file}: ${stderr}`);
  return stdout;
}
