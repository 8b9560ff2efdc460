// Runs tests, a command or a shell in a virtual machine whose cgroups are all version 2. See README.md.

import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { attachPipes, attachTerminal, terminalSize } from './channels.ts';
import { type MachineOptions, type Outcome, runMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { makeRepositoryDisk, type Order } from './repository.ts';
import { failure, readResults, testScript } from './results.ts';
import { prepareSystem, type System } from './system.ts';
import { makeWorkspace, removeWorkspace } from './workspace.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = join(root, 'build/vm');
const guestTests = 'test/vm/guest';
const scratchBytes = 256 << 20;
/** Seconds that one test file may take in the guest. */
const fileTimeout = 180;

type Connect = MachineOptions['connect'];

/** Boots one machine with fresh disks, which are removed at its end. */
async function boot(options: Options, system: System, order: Order, connect: Connect): Promise<Outcome> {
  const { init, timeout, verbose } = options;
  const work = makeWorkspace(cache);
  try {
    const scratch = join(work, 'scratch.img');
    writeFileSync(scratch, '');
    truncateSync(scratch, scratchBytes);
    const repository = makeRepositoryDisk(root, work, order);
    return await runMachine({ system, repository, scratch, init, timeout, verbose, connect });
  } finally {
    removeWorkspace(work);
  }
}

function guestFiles(names: string[]): string[] {
  if (names.length > 0) return names.map((name) => relative(root, resolve(name)));
  const all = readdirSync(join(root, guestTests)).filter((name) => name.endsWith('.test.ts'));
  return all.sort().map((name) => `${guestTests}/${name}`);
}

/** Runs test files in one machine and prints what came of them. Returns the exit status. */
async function runTests(options: Options, version: string, system: System, names: string[]): Promise<number> {
  const files = guestFiles(names);
  let output = '';
  const started = performance.now();
  const outcome = await boot(options, system, { script: testScript(files, fileTimeout) }, (channels) => {
    attachPipes(channels, undefined);
    channels.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  });
  const seconds = (performance.now() - started) / 1000;
  const results = readResults(files, output);
  const sum = (key: 'total' | 'passed' | 'skipped') => results.reduce((all, result) => all + result[key], 0);
  const times = `boot ${outcome.boot.toFixed(1)} s, all ${seconds.toFixed(1)} s`;
  console.log(
    `\nLinux ${version}: ${sum('passed')} passed, ${sum('total') - sum('passed')} failed,`,
    `${sum('skipped')} skipped (${files.length} files; ${times})`,
  );
  let failed = files.length === 0;
  for (const result of results) {
    const reason = failure(result);
    if (reason === undefined) continue;
    console.log(`FAILED ${result.file}: ${reason}`);
    failed = true;
  }
  return failed ? 1 : 0;
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

async function main(options: Options): Promise<number> {
  const { task, kernels } = options;
  let exitCode = 0;
  let machines = 0;
  for (const version of kernels) {
    let system: System;
    try {
      system = prepareSystem(version, cache);
    } catch (error) {
      if (kernels.length === 1) throw error;
      console.log(`SKIPPED Linux ${version}: ${error instanceof Error ? error.message : error}`);
      continue;
    }
    machines++;
    exitCode ||=
      task.kind === 'test'
        ? await runTests(options, version, system, task.files)
        : await runCommand(options, system, task.words);
  }
  if (machines === 0) throw new Error('no kernel to run');
  return exitCode;
}

try {
  const options = parseOptions(process.argv.slice(2));
  process.exitCode = await main(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof TypeError) console.error(usage);
  process.exitCode = 1;
}
