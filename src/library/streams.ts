// Standard streams of a process in a container.

import type { ChildProcess } from 'node:child_process';
import { PassThrough, pipeline, type Readable, type Writable } from 'node:stream';
import { TsociError } from './tsoci-error.ts';

/** The standard streams of a process in a container; null is one that is no pipe to us. */
export interface Pipes {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

export function pipesOf({ stdin, stdout, stderr }: ChildProcess): Pipes {
  return { stdin, stdout: kept(stdout), stderr: kept(stderr) };
}

/** Node throws away what a child has written and nobody has asked for yet when the child ends. Here it waits for its reader. */
function kept(stream: Readable | null): Readable | null {
  // Who reads is told of an error by the end of the stream that it reads.
  return stream && pipeline(stream, new PassThrough(), () => {});
}

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
