// Standard streams of a process in a container.

import type { Readable } from 'node:stream';
import { TsociError } from './tsoci-error.ts';

/** A stream that must be a pipe to us. */
export function piped<T>(stream: T | null, name: string): T {
  if (stream === null) throw new TsociError(`${name} is not a pipe; give { ${name}: 'pipe' }`);
  return stream;
}

/** All that a stream gives, as text; an error when it is more than `limit` bytes. Null is a stream that is no pipe. */
export async function collect(stream: Readable | null, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > limit) throw new TsociError(`the container has written more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
