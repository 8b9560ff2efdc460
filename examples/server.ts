// A test of a server that runs in a container, by the port that it publishes. It takes root: the bridge is the host's.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { config, Runtime } from 'tsoci';

const PORT = 8080;
const program = `
  require('node:http')
    .createServer((request, response) => response.end('hello from ' + require('node:os').hostname()))
    .listen(${PORT});
`;

const published = await freePort();
const server = config('/')
  .hostname('server')
  .bind(dirname(process.execPath), '/mnt', { readonly: true })
  .args(process.execPath.replace(dirname(process.execPath), '/mnt'), '-e', program);

const network = `bridge=tsoci-example,subnet=10.213.77.0/24,publish=127.0.0.1:${published}:${PORT}`;
await using container = await new Runtime().create(server, { network, stdout: 'inherit', stderr: 'inherit' });
await container.start();

assert.equal(await get(`http://127.0.0.1:${published}/`), 'hello from server');
console.log('the server answers');

/** Asks until the server is there. */
async function get(url: string, patience = 100): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    return await response.text();
  } catch (error) {
    if (patience === 0) throw error;
    await sleep(100);
    return get(url, patience - 1);
  }
}

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
