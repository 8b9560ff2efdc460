// Inputs that are kept: each reaches what no other of its target does, or has shown a fault once.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Coverage } from './coverage.ts';
import { bounded, type Fuzz } from './properties.ts';

/** Characters of the hash that a name of libFuzzer's is. */
const NAME = 12;
const targets = join(import.meta.dirname, 'targets');

export function targetNames(): string[] {
  return readdirSync(targets)
    .map((file) => file.replace(/\.ts$/, ''))
    .sort();
}

export function targetFile(name: string): string {
  return join(targets, `${name}.ts`);
}

export async function loadTarget(name: string): Promise<Fuzz> {
  const { fuzz }: { fuzz: Fuzz } = await import(targetFile(name));
  return bounded(fuzz);
}

export function corpusOf(name: string): string {
  return join(import.meta.dirname, 'corpus', name);
}

export interface Input {
  file: string;
  data: Buffer;
}

export function inputsOf(name: string): Input[] {
  return inputsIn(corpusOf(name));
}

function inputsIn(directory: string): Input[] {
  return readdirSync(directory).map((name) => {
    const file = join(directory, name);
    return { file, data: readFileSync(file) };
  });
}

/** Adds to the corpus what reaches code that nothing in it does, the smallest first. How many these are. */
export async function keep(name: string, found: string): Promise<number> {
  const fuzz = await loadTarget(name);
  using coverage = new Coverage();
  for (const { data } of inputsOf(name)) await fuzz(data);
  coverage.more();
  let kept = 0;
  for (const { file, data } of inputsIn(found).sort((a, b) => a.data.length - b.data.length)) {
    await fuzz(data);
    if (coverage.more() === 0) continue;
    writeFileSync(join(corpusOf(name), basename(file).slice(0, NAME)), data);
    kept++;
  }
  return kept;
}
