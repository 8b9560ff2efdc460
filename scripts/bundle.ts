// npm run bundle -- NAME: builds a bundle of bundles/ and runs it.
//
//   npm run bundle -- [--output DIR] NAME
//
// With --output the bundle is written there, for you to look at and to run, and nothing is run.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundles } from '../bundles/index.ts';
import { runBundle, thisHost } from '../bundles/run.ts';

try {
  process.exitCode = main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function main(): number {
  const { values, positionals } = parseArgs({
    options: { output: { type: 'string' } },
    allowPositionals: true,
  });
  const [name = ''] = positionals;
  const bundle = Object.hasOwn(bundles, name) ? bundles[name] : undefined;
  if (!bundle || positionals.length !== 1) {
    console.error(
      `Usage: npm run bundle -- [--output DIR] NAME\nNAME is one of ${Object.keys(bundles).join(', ')}.`,
    );
    return 1;
  }
  const rootless = name === 'rootless';
  const reason = bundle.unable?.(thisHost(rootless));
  if (reason && !values.output) {
    console.log(`skip: ${name}: ${reason}`);
    return 0;
  }
  const output = values.output && resolve(values.output);
  return runBundle(bundle, { rootless, verbose: bundle.containers.length > 1, output });
}
