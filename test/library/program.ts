// A program that runs a container and tells what came of it.

import { config, Runtime } from '../../src/library/index.ts';

const [executable = '', directory = '', rootfs = '', ...args] = process.argv.slice(2);
const runtime = new Runtime({ executable, directory });
const [first = '', ...rest] = args;
const result = await runtime.run(config(rootfs).args(first, ...rest), { timeout: 20_000 });
console.log(JSON.stringify(result));
