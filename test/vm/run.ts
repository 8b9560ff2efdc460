// Runs tests, a command or a shell in a virtual machine whose cgroups are all version 2. See README.md.

import { globSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { messageOf } from '../../src/linux/errors.ts';
import { NotInArchive } from './apt.ts';
import type { Architecture } from './architecture.ts';
import { attachPipes, attachTerminal, terminalSize } from './channels.ts';
import { type Guest, type MachineOptions, type Outcome, runMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { makeRepositoryDisk, type Order } from './repository.ts';
import { failure, readResults, type Tally, tally, tallyLine, testScript } from './results.ts';
import { hasSelinux, prepareSystem, type System, usualKernel } from './system.ts';
import { makeWorkspace, removeWorkspace } from './workspace.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = join(root, 'build/vm');
const scratchBytes = 256 << 20;
/** Seconds that one test file may take in a guest of usual speed. */
const fileTimeout = 600;

const NO_POLICY = 'the policy of a guest of another architecture than this host’s cannot be compiled here';

type Connect = MachineOptions['connect'];

/** Boots one machine with fresh disks, which are removed at its end. */
async function boot(options: Options, system: System, order: Order, connect: Connect): Promise<Outcome> {
  const { architecture, init, lsm, timeout, verbose } = options;
  if (lsm === 'selinux' && !hasSelinux(architecture)) throw new Error(NO_POLICY);
  const work = makeWorkspace(cache);
  try {
    const scratch = join(work, 'scratch.img');
    writeFileSync(scratch, '');
    truncateSync(scratch, scratchBytes);
    const repository = makeRepositoryDisk(architecture, root, work, order);
    const disks = { system, repository, scratch };
    return await runMachine({ architecture, ...disks, init, lsm, timeout, verbose, connect });
  } finally {
    removeWorkspace(work);
  }
}

/** The guest for test files of one folder: those in guest/systemd/ and in guest/selinux/ need what it is called. */
function guestFor({ init, lsm }: Guest, files: string[]): Guest {
  const needs = (folder: string) => files.some((file) => file.includes(`/${folder}/`));
  return { init: needs('systemd') ? 'systemd' : init, lsm: needs('selinux') ? 'selinux' : lsm };
}

/** The test files, by the guest that they need. */
function guestFiles(options: Options, names: string[]): Map<string, string[]> {
  const found = globSync('test/vm/guest/**/*.test.ts', { cwd: root }).sort();
  const all = found.filter((file) => hasSelinux(options.architecture) || !file.includes('/selinux/'));
  if (all.length < found.length) console.log(`skip: SELinux: ${NO_POLICY}`);
  const files = names.length > 0 ? names.map((name) => relative(root, resolve(name))) : all;
  if (files.length === 0) throw new Error('there is no test to run');
  return Map.groupBy(files, (file) => Object.values(guestFor(options, [file])).join(', '));
}

/** Runs test files in one machine and prints what came of them. A machine that breaks is one failure. */
async function runTests(options: Options, version: string, system: System, files: string[]): Promise<Tally> {
  const guest = guestFor(options, files);
  const order = { script: testScript(files, fileTimeout) };
  const started = performance.now();
  let output = '';
  let boots: string;
  let broken = 0;
  try {
    const outcome = await boot({ ...options, ...guest }, system, order, (channels) => {
      attachPipes(channels, undefined);
      channels.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    });
    boots = `boot ${outcome.boot.toFixed(1)} s`;
  } catch (error) {
    boots = messageOf(error);
    broken = 1;
  }
  const results = readResults(files, output);
  const sum = tally(results);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const machine = [`Linux ${version}`, options.architecture, ...Object.values(guest)].join(', ');
  console.log(`\n${machine}: ${tallyLine(sum)} (all ${seconds} s; ${boots})`);
  for (const result of results) {
    const reason = failure(result);
    if (reason !== undefined) console.log(`FAILED ${result.file}: ${reason}`);
  }
  return { ...sum, failed: Math.max(sum.failed, broken) };
}

/** Runs a command in one machine, on this terminal if there is one. Returns its exit status. */
async function runCommand(options: Options, system: System, words: string[]): Promise<number> {
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const terminal = terminalSize();
  const order = { script: `exec ${quoted.join(' ')}\n`, terminal };
  const { exitCode } = await boot(options, system, order, (channels) => {
    if (terminal) attachTerminal(channels.terminal);
    else attachPipes(channels, process.stdin);
  });
  return exitCode;
}

/** A kernel that the archive has no more is skipped, with its reason; the usual one must be there. */
function prepareSystems(architecture: Architecture, versions: string[]): Map<string, System> {
  const systems = new Map<string, System>();
  for (const version of versions) {
    try {
      systems.set(version, prepareSystem(architecture, version, cache));
    } catch (error) {
      if (version === usualKernel || !(error instanceof NotInArchive)) throw error;
      console.log(`skip: Linux ${version}: ${messageOf(error)}`);
    }
  }
  return systems;
}

/** Returns the exit status. */
async function main(options: Options): Promise<number> {
  const { architecture, task, kernels } = options;
  const systems = prepareSystems(architecture, kernels);
  if (task.kind === 'command') {
    const codes: number[] = [];
    for (const system of systems.values()) codes.push(await runCommand(options, system, task.words));
    return codes.find((code) => code !== 0) ?? 0;
  }
  const all = { passed: 0, failed: 0, skipped: kernels.length - systems.size };
  for (const [version, system] of systems)
    for (const files of guestFiles(options, task.files).values()) {
      const sum = await runTests(options, version, system, files);
      all.passed += sum.passed;
      all.failed += sum.failed;
      all.skipped += sum.skipped;
    }
  console.log(`\n${tallyLine(all)}`);
  return all.failed > 0 ? 1 : 0;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) console.log(usage);
  else process.exitCode = await main(options);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
