// A program that starts a container, tells its id, and then waits to be killed.

import { config, Runtime } from '../../src/library/index.ts';

const [executable = '', root = '', directory = '', rootfs = ''] = process.argv.slice(2);
const runtime = new Runtime({ executable, root, directory });
const container = await runtime.create(config(rootfs).args('/bin/sleep', '1000'));
await container.start();
console.log(container.id);
await container.wait();
