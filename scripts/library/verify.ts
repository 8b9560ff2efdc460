// npm run test:npm: what npm run package:npm has made, as its users have it: checked by publint and attw, installed into an empty
// directory without a network, executed by npx, and its library compiled strictly and used under each engine. Ends with one
// line: N passed, N failed. `--packed` takes the packages that are in dist/npm.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bunOf, findTarget } from '../executable/target.ts';
import { root, version } from '../repository.ts';
import { makeWorkDirectory } from '../work-directories.ts';
import { toolPackages } from './tools.ts';

/** Milliseconds that a program may take. */
const TIMEOUT = 180_000;
const platform = `linux-${process.arch}`;
const packages = join(root, 'dist', 'npm');
const archive = (name: string) => join(packages, `${name}-${version()}.tgz`);
const tools = toolPackages();
/** Examples that run wherever the library does. */
const EXAMPLES = ['jobs', 'pool'];

let passed = 0;
let failed = 0;

const home = makeWorkDirectory('/tmp/tsoci-npm-');
try {
  if (!process.argv.includes('--packed'))
    check('package:npm', [process.execPath, join(root, 'scripts/library/npm-package.ts')]);
  lint();
  install();
  useCommand();
  useLibrary();
} finally {
  rmSync(home, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function lint(): void {
  for (const name of ['tsoci', platform])
    check(`publint ${name}`, [tool('publint'), 'run', '--strict', join(root, 'build', 'npm', name)]);
  // CommonJS loads it too, by require() of an ES module, which each Node that is supported has.
  const attw = [
    tool('attw'),
    archive('tsoci'),
    '--profile',
    'node16',
    '--ignore-rules',
    'cjs-resolves-to-esm',
  ];
  check('attw', attw);
}

function install(): void {
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
  // The executables for other machines are not to be had, and are optional.
  const words = [
    'install',
    '--offline',
    '--no-audit',
    '--no-fund',
    archive('tsoci'),
    archive(`tsoci-${platform}`),
  ];
  check('npm install', ['npm', ...words]);
}

function useCommand(): void {
  const npx = ['npx', '--offline', 'tsoci'];
  check('npx tsoci --version', [...npx, '--version'], { stdout: `tsoci version ${version()}` });
  check('npx tsoci fails as tsoci does', [...npx, 'exec', 'none', 'true'], {
    status: 255,
    stderr: 'tsoci: container none does not exist',
  });
  check('npx tsoci run', [
    ...npx,
    'spec',
    '--no-terminal',
    '--rootfs',
    '/',
    '--arg',
    'sh',
    '--arg',
    '-c',
    '--arg',
    'echo ran; exit 9',
  ]);
  check('npx tsoci run', [...npx, '--root', join(home, 'state'), 'run', `npm-${process.pid}`], {
    status: 9,
    stdout: 'ran',
  });
}

function useLibrary(): void {
  cpSync(join(root, 'examples'), join(home, 'src'), { recursive: true });
  mkdirSync(join(home, 'node_modules', '@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types'])
    if (existsSync(join(root, 'node_modules', name)))
      symlinkSync(join(root, 'node_modules', name), join(home, 'node_modules', name));
  writeFileSync(
    join(home, 'src', 'load.cjs'),
    `const { Runtime, TsociError } = require('tsoci');\nif (!(new Runtime() instanceof Runtime) || !TsociError) process.exit(1);\n`,
  );
  const options = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--types',
    'node',
  ];
  const files = globSync('src/*.ts', { cwd: home });
  for (const module of ['nodenext', 'preserve'])
    for (const compiler of [join(root, 'node_modules', '.bin', 'tsc'), tool('tsc')])
      check(`tsc of ${compiler.includes('tools') ? 'TypeScript 6' : 'TypeScript 7'}, ${module}`, [
        compiler,
        ...options,
        ...[
          '--module',
          module,
          '--target',
          'es2023',
          '--lib',
          'es2023,esnext.disposable,dom',
          '--rootDir',
          'src',
        ],
        ...['--outDir', join('out', module), ...files],
      ]);
  for (const [engine, program] of engines()) {
    check(`${engine}: require`, [program, join('src', 'load.cjs')]);
    for (const example of EXAMPLES)
      check(`${engine}: examples/${example}`, [program, join('out', 'nodenext', `${example}.js`)]);
  }
}

/** The engines that are supported, in their oldest and newest versions. */
function engines(): [name: string, program: string][] {
  const others = ['node-22', 'node-24'].map((name): [string, string] => [
    name,
    join(tools, name, 'bin', 'node'),
  ]);
  for (const [name, program] of others)
    if (!existsSync(program)) console.log(`skipped: ${name} is not packaged for ${platform}`);
  return [
    ...others.filter(([, program]) => existsSync(program)),
    [`node ${process.versions.node}`, process.execPath],
    ['bun', bunOf(findTarget())],
  ];
}

interface Expected {
  status?: number;
  stdout?: string;
  stderr?: string;
}

function tool(name: string): string {
  return join(tools, '.bin', name);
}

/** Executes a program in the directory of the installation. */
function check(name: string, [program = '', ...args]: readonly string[], expected: Expected = {}): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: home,
    encoding: 'utf8',
    timeout: TIMEOUT,
    env: { ...process.env, NO_COLOR: '1' },
  });
  const { status: wanted = 0, stdout: out = '', stderr: told = '' } = expected;
  const good = status === wanted && stdout.includes(out) && stderr.includes(told);
  if (good) passed++;
  else failed++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}`);
  if (!good) console.log(`exit status ${status}${error ? `, ${error.message}` : ''}\n${stdout}${stderr}`);
}
