// A runtime with a fault: executes the runtime of $BROKEN_RUNTIME, except for what $BROKEN (a Mutation) says.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parseJson, printJson, removeAt, setAt } from '../harness/json.ts';
import { flatten, type Mutation, mutateConfig } from './mutation.ts';

const [, , ...args] = process.argv;
const real = process.env.BROKEN_RUNTIME ?? '';
const mutations = flatten(JSON.parse(process.env.BROKEN || '{"all":[]}') as Mutation);
const commandAt = args.findIndex((word) => /^[a-z]+$/.test(word));
const command = args[commandAt] ?? '';
const bundle = args[args.indexOf('--bundle') + 1] ?? '.';
const id = args.findLast((word) => !word.startsWith('-')) ?? '';

process.exitCode = main();

function main(): number {
  if (mutations.some((m) => 'skips' in m && m.skips === command)) return 0;
  for (const m of mutations) if ('before' in m && m.before === command) shell(m.runs);
  const restore = command === 'create' ? breakConfig() : undefined;
  const code = execute();
  restore?.();
  for (const m of mutations) if ('after' in m && m.after === command) shell(m.runs);
  return mutations.some((m) => 'forgives' in m && m.forgives === command) ? 0 : code;
}

/** Writes the mutated configuration; returns what puts the right one back. */
function breakConfig(): (() => void) | undefined {
  const file = join(bundle, 'config.json');
  try {
    const text = readFileSync(file, 'utf8');
    const config = parseJson(text);
    if (typeof config !== 'object' || config === null) return undefined;
    const { path: root = 'rootfs' } = (config as { root?: { path?: string } }).root ?? {};
    const rootfs = isAbsolute(root) ? root : join(bundle, root);
    // Every one is to be applied: not `some`.
    if (!mutations.map((m) => mutateConfig(config, m, rootfs)).includes(true)) return undefined;
    writeFileSync(file, printJson(config));
    return () => writeFileSync(file, text);
  } catch {
    return undefined;
  }
}

function execute(): number {
  const added = mutations.flatMap((m) => ('adds' in m && m.to === command ? m.adds.split(' ') : []));
  const wrap = mutations.flatMap((m) => ('wraps' in m && m.of === command ? [m.wraps] : []))[0];
  const words = [real, ...args.slice(0, commandAt + 1), ...added, ...args.slice(commandAt + 1)];
  const [file = '', ...rest] = wrap === undefined ? words : ['/bin/sh', '-c', wrap, 'sh', ...words];
  const reports = mutations.filter((m) => 'reports' in m);
  const edited = command === 'state' && reports.length > 0;
  const preserved = added.includes('--preserve-fds=1') ? [3] : [];
  const { status, stdout } = spawnSync(file, rest, {
    stdio: ['inherit', edited ? 'pipe' : 'inherit', 'inherit', ...preserved],
    encoding: 'utf8',
    timeout: 15_000,
  });
  if (edited && status === 0) {
    const state = parseJson(stdout) as object;
    for (const { reports: pointer, as } of reports) {
      if (as === undefined) removeAt(state, pointer);
      else setAt(state, pointer, as);
    }
    process.stdout.write(printJson(state));
  }
  return status ?? 1;
}

function shell(script: string): void {
  const RUNTIME = [real, ...args.slice(0, commandAt)].join(' ');
  const env = { ...process.env, RUNTIME, ID: id, BUNDLE: bundle };
  spawnSync('/bin/sh', ['-c', script], { env, stdio: 'ignore', timeout: 15_000 });
}
