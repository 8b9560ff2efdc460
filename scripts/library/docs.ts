// npm run docs: the reference of the library, below build/docs. A warning of typedoc is a failure.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../repository.ts';
import { toolPackages } from './tools.ts';

const output = join(root, 'build', 'docs');
const words = [
  ...['--tsconfig', 'scripts/library/tsconfig.json', '--entryPoints', 'src/library/index.ts'],
  ...['--out', output, '--name', 'tsoci', '--readme', 'docs/library.md'],
  ...[
    '--excludePrivate',
    '--excludeInternal',
    '--disableSources',
    '--treatWarningsAsErrors',
    '--logLevel',
    'Warn',
  ],
];
const typedoc = join(toolPackages(), 'typedoc', 'bin', 'typedoc');
const { status } = spawnSync(process.execPath, [typedoc, ...words], { cwd: root, stdio: 'inherit' });
process.exitCode = status ?? 1;
if (status === 0) console.log(output);
