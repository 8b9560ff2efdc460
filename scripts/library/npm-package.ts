// npm run package:npm: the packages for npm, into dist/npm: `tsoci`, which is the library and the command, and for each target
// one with its executables, of which npm installs that for the machine.
//
//   npm run package:npm -- [--target linux-arm64]… [--output DIRECTORY]

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { files } from '../executable/files.ts';
import { findTarget, targetNames } from '../executable/target.ts';
import { readJson, root, version } from '../repository.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: [`linux-${process.arch}`] },
    output: { type: 'string', default: 'dist/npm' },
  },
});
const work = join(root, 'build', 'npm');
const output = resolve(root, values.output);
const { license, description } = readJson('package.json') as { license: string; description: string };
const common = { version: version(), license, type: 'module', os: ['linux'] };

rmSync(work, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
pack(libraryPackage());
for (const name of values.target) pack(executablePackage(name));

function libraryPackage(): string {
  const home = join(work, 'tsoci');
  run(['tsc', '--project', 'scripts/library/tsconfig.json', '--outDir', join(home, 'lib')]);
  // tsc writes the names of the sources into declarations.
  for (const file of globSync('lib/**/*.d.ts', { cwd: home })) {
    const text = readFileSync(join(home, file), 'utf8');
    writeFileSync(join(home, file), text.replace(/(?<=from '\.{1,2}\/[^']*)\.ts(?=')/g, '.js'));
  }
  const executables = targetNames().map((name) => [`@tsoci/${name}`, common.version]);
  writePackage(home, {
    name: 'tsoci',
    ...common,
    description,
    keywords: ['oci', 'container', 'runtime', 'sandbox'],
    engines: { node: '>=22' },
    bin: { tsoci: './lib/library/bin.js' },
    exports: { '.': './lib/library/index.js', './package.json': './package.json' },
    sideEffects: ['./lib/library/bin.js'],
    files: ['lib'],
    optionalDependencies: Object.fromEntries(executables),
  });
  copyFileSync(join(root, 'docs', 'library.md'), join(home, 'README.md'));
  return home;
}

function executablePackage(name: string): string {
  const home = join(work, name);
  const { cpu, libc } = findTarget(name);
  const bin = join(home, 'bin');
  run(['node', 'scripts/build.ts', '--target', name, '--output', bin]);
  writePackage(home, {
    name: `@tsoci/${name}`,
    ...common,
    description: `The executables of tsoci for ${name}`,
    cpu: [cpu],
    libc: [libc],
    preferUnplugged: true,
    files: ['bin'],
    exports: { './package.json': './package.json' },
  });
  writeFileSync(
    join(home, 'README.md'),
    `The executables of the package tsoci for ${name}: ${files.join(', ')}.\n`,
  );
  return home;
}

function writePackage(home: string, manifest: object): void {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
}

function pack(home: string): void {
  for (const file of globSync('{bin/tsoci,bin/tsoci-runtime,lib/library/bin.js}', { cwd: home }))
    chmodSync(join(home, file), 0o755);
  const { stdout } = run(['npm', 'pack', '--silent', home, '--pack-destination', output]);
  console.log(join(output, stdout.trim()));
}

function run([program = '', ...args]: readonly string[]): { stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return { stdout };
}
