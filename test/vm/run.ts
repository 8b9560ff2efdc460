// Runs tests, a command or a shell in a virtual machine whose cgroups are all version 2. See README.md.

import { globSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { messageOf } from '../../src/linux/errors.ts';
import type { Architecture } from './architecture.ts';
import { attachPipes, attachTerminal, terminalSize } from './channels.ts';
import { type Init, type MachineOptions, type Outcome, runMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { makeRepositoryDisk, type Order } from './repository.ts';
import { failure, readResults, type Tally, tally, tallyLine, testScript } from './results.ts';
import { prepareSystem, type System } from './system.ts';
import { makeWorkspace, removeWorkspace } from './workspace.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = join(root, 'build/vm');
const scratchBytes = 256 << 20;
/** Seconds that one test file may take in a guest of usual speed. */
const fileTimeout = 600;

type Connect = MachineOptions['connect'];

/** Boots one machine with fresh disks, which are removed at its end. */
async function boot(options: Options, system: System, order: Order, connect: Connect): Promise<Outcome> {
  const { architecture, init, timeout, verbose } = options;
  const work = makeWorkspace(cache);
  try {
    const scratch = join(work, 'scratch.img');
    writeFileSync(scratch, '');
    truncateSync(scratch, scratchBytes);
    const repository = makeRepositoryDisk(architecture, root, work, order);
    return await runMachine({ architecture, system, repository, scratch, init, timeout, verbose, connect });
  } finally {
    removeWorkspace(work);
  }
}

/** The test files, by the init of the guest that they need. Those in guest/systemd/ need systemd. */
function guestFiles(options: Options, names: string[]): Map<Init, string[]> {
  const all = globSync('test/vm/guest/**/*.test.ts', { cwd: root }).sort();
  const files = names.length > 0 ? names.map((name) => relative(root, resolve(name))) : all;
  if (files.length === 0) throw new Error('there is no test to run');
  const needsSystemd = (file: string) => options.init === 'systemd' || file.includes('/systemd/');
  return Map.groupBy(files, (file): Init => (needsSystemd(file) ? 'systemd' : 'busybox'));
}

/** Runs test files in one machine and prints what came of them. A machine that breaks is one failure. */
async function runTests(options: Options, version: string, system: System, files: string[]): Promise<Tally> {
  const order = { script: testScript(files, fileTimeout) };
  const started = performance.now();
  let output = '';
  let boots: string;
  let broken = 0;
  try {
    const outcome = await boot(options, system, order, (channels) => {
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
  console.log(
    `\nLinux ${version}, ${options.architecture}, ${options.init}: ${tallyLine(sum)} (all ${seconds} s; ${boots})`,
  );
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

/** A kernel that cannot be had is skipped, with its reason, as long as there is another. */
function prepareSystems(architecture: Architecture, versions: string[]): Map<string, System> {
  const systems = new Map<string, System>();
  for (const version of versions) {
    try {
      systems.set(version, prepareSystem(architecture, version, cache));
    } catch (error) {
      if (versions.length === 1) throw error;
      console.log(`skip: Linux ${version}: ${messageOf(error)}`);
    }
  }
  if (systems.size === 0) throw new Error('there is no kernel to run');
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
    for (const [init, files] of guestFiles(options, task.files)) {
      const sum = await runTests({ ...options, init }, version, system, files);
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
