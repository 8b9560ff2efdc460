// A pool of warm sandboxes: containers that are started and paused before anybody wants them. Who takes one has it in the time
// of a `resume`, uses it for one piece of code, and throws it away; the pool makes another meanwhile.

import { text } from 'node:stream/consumers';
import { type Container, config, Runtime } from 'tsoci';

const runtime = new Runtime();
const sandbox = config('/').user(65534).tmpfs('/tmp').cwd('/tmp').args('sleep', 'infinity');

class Pool implements AsyncDisposable {
  readonly #warm: Promise<Container>[];

  constructor(size: number) {
    this.#warm = Array.from({ length: size }, warmUp);
  }

  async take(): Promise<Container> {
    this.#warm.push(warmUp());
    const container = await (this.#warm.shift() ?? warmUp());
    await container.resume();
    return container;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of this.#warm) await (await container).delete({ force: true });
  }
}

async function warmUp(): Promise<Container> {
  const container = await runtime.create(sandbox, { stdout: 'ignore', stderr: 'ignore' });
  await container.start();
  await container.pause();
  return container;
}

async function evaluate(pool: Pool, code: string): Promise<string> {
  await using container = await pool.take();
  const process = await container.exec(['sh'], { stdin: 'pipe', signal: AbortSignal.timeout(5_000) });
  process.stdin.end(code);
  const [output] = await Promise.all([text(process.stdout), process.wait()]);
  return output.trim();
}

// What a killed run of this program has left.
await runtime.sweep();
await using pool = new Pool(2);
console.log(await evaluate(pool, 'echo "it is $((1 + 1))"; touch /tmp/file'));
console.log(await evaluate(pool, 'ls /tmp | wc -l'));
console.log(await evaluate(pool, 'grep -c . /proc/net/dev | xargs echo lines of devices:'));
