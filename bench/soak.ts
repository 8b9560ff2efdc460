// Usage: node bench/soak.ts [--runtime PATH] [--rounds N] [--quick]
//
// Many containers, one after another, and then a look at what is left: processes, mounts, cgroups, network devices,
// files in --root, descriptors of the runtime in the container. Every other container ends by itself; the rest are
// entered and killed.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root } from '../scripts/repository.ts';
import { identify, type ProcessIdentity, processStat } from '../src/linux/procfs.ts';
import { makeBundle, makeRootfs } from './bundle.ts';
import { makeDirectories } from './directories.ts';
import { clear } from './runtimes.ts';

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: join(root, 'dist', 'tsoci') },
    rounds: { type: 'string', default: '1000' },
    quick: { type: 'boolean', default: false },
  },
});
const rounds = values.quick ? 100 : Number(values.rounds);
const runtime = values.runtime.includes('/') ? resolve(values.runtime) : values.runtime;
const { work, states, remove } = makeDirectories('soak', (directory) =>
  clear({ words: [runtime, '--root', directory] }),
);
/** In every container's id, command line and cgroup; a leak on a shared machine is ours if it has it. */
const mark = basename(work);

try {
  const left = await soak();
  for (const line of left) console.log(`left behind: ${line}`);
  console.log(`${rounds} rounds, ${left.length} things left behind`);
  if (left.length > 0) process.exitCode = 1;
} finally {
  remove();
}

async function soak(): Promise<string[]> {
  const rootfs = join(work, 'rootfs');
  makeRootfs(rootfs, 0);
  const bundles = ['exit 0', 'while :; do sleep 1; done'].map((script, index) =>
    makeBundle(join(work, `bundle-${index}`), rootfs, (config) => {
      config.process.args = ['/bin/sh', '-c', script, mark];
    }),
  );
  const before = join(work, 'before');
  writeFileSync(before, leaks('snapshot').stdout);
  const processes: ProcessIdentity[] = [];
  const blocks: number[] = [];
  const block = Math.ceil(rounds / 10);
  let began = performance.now();
  for (let round = 0; round < rounds; round++) {
    const endless = round % 2;
    processes.push(await live(`${mark}-${round}`, bundles[endless] ?? '', endless === 1));
    if ((round + 1) % block === 0) {
      blocks.push(performance.now() - began);
      began = performance.now();
      console.log(`${round + 1} rounds; this tenth took ${ratio(blocks)} of the first's time`);
    }
  }
  // Who reaps orphans here may need a moment for the last.
  for (let tries = 200; tries > 0 && processes.some(isAlive); tries--) await sleep(10);
  return [
    ...leaks('compare', before, mark)
      .stdout.split('\n')
      .filter((line) => line !== ''),
    ...processes.filter(isAlive).map(({ pid }) => `process ${pid}`),
    // A name with "~" is none of a container: a runtime may keep what it computed for the next one.
    ...readdirSync(states)
      .filter((name) => !name.startsWith('~'))
      .map((name) => `file ${name} in --root`),
  ];
}

/** One container, from create to delete. */
async function live(id: string, bundle: string, endless: boolean): Promise<ProcessIdentity> {
  const pidFile = join(work, 'pid');
  must('create', '--bundle', bundle, '--pid-file', pidFile, id);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const container = identify(pid);
  must('start', id);
  if (endless) {
    must('exec', id, '/bin/true');
    const descriptors = readdirSync(`/proc/${pid}/fd`);
    if (descriptors.length !== 3) throw new Error(`${id} has the descriptors ${descriptors.join(' ')}`);
    must('kill', id, 'KILL');
  }
  // The init is a zombie, or gone, a moment after it has ended; runtimes refuse to delete before.
  for (let tries = 500; run('delete', id).status !== 0; tries--) {
    if (tries === 0) throw new Error(`${runtime} delete ${id} is still refused`);
    await sleep(10);
  }
  return container;
}

function must(...args: string[]): void {
  const { status, signal } = run(...args);
  if (status !== 0) throw new Error(`${runtime} ${args.join(' ')}: ${signal ?? `exit ${status}`}`);
}

function run(...args: string[]) {
  return spawnSync(runtime, ['--root', states, ...args], { stdio: 'ignore', timeout: 30_000 });
}

function leaks(...args: string[]) {
  const script = join(root, 'conformance', 'engines', 'leaks.sh');
  return spawnSync(script, args, { encoding: 'utf8', timeout: 60_000 });
}

/** A zombie counts: somebody should have waited for it. */
function isAlive({ pid, startTime: known }: ProcessIdentity): boolean {
  return processStat(pid)?.startTime === known;
}

function ratio(blocks: readonly number[]): string {
  return ((blocks.at(-1) ?? 0) / (blocks[0] ?? 1)).toFixed(2);
}
