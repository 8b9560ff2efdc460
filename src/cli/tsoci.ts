// tsoci as a function of its arguments: finds the command, runs it, tells of its failure.

import { nearest } from '../config/nearest.ts';
import type { Caller } from '../linux/caller.ts';
import { errnoOf, messageOf, TsociError } from '../linux/errors.ts';
import { type Command, readArguments } from './command.ts';
import { commandNames, loadCommand, loadCommands } from './command-table.ts';
import { GLOBAL_OPTIONS, type GlobalValues, logOptions, readGlobals } from './globals.ts';
import { type Log, openLog, toStderr } from './log.ts';
import { parse, UsageError } from './options.ts';
import { ReaderGone, writeAll } from './output.ts';
import { processCaller } from './process-caller.ts';

const STDOUT = 1;
const FAILURE = 1;
/** As a shell shows the end by SIGPIPE, which would be ours if Node did not ignore it. */
const READER_GONE = 128 + 13;

/** Runs tsoci with the arguments behind the program's name. The exit status. */
export async function tsoci(args: readonly string[]): Promise<number> {
  let log: Log = (level, message) => {
    if (level === 'error') toStderr(message);
  };
  let failure = FAILURE;
  try {
    const { values, operands, help } = parse(GLOBAL_OPTIONS, args, 1);
    if (values.version && !help) return await showVersion();
    const [name, ...rest] = operands;
    if (help || name === undefined) return await showHelp();
    if (name === 'help') return await showHelp(rest[0]);
    log = openLog(logOptions(values));
    const command = await loadCommand(name);
    if (!command) throw unknownCommand(name);
    failure = command.failure ?? FAILURE;
    // What a timer or a stream throws: one line, not the code of a bundle.
    process.on('uncaughtException', (error) => process.exit(failed(log, error, failure)));
    return await runCommand(command, rest, values, log);
  } catch (error) {
    return failed(log, error, failure);
  }
}

/** Tells of an error; the exit status, which is `failure` unless the error is none of ours. */
function failed(log: Log, error: unknown, failure: number): number {
  if (error instanceof ReaderGone) return READER_GONE;
  log('error', described(error));
  if (error instanceof Error && error.stack) log('debug', error.stack);
  return failure;
}

async function runCommand(
  command: Command,
  args: readonly string[],
  values: GlobalValues,
  log: Log,
): Promise<number> {
  const read = readArguments(command, args);
  if (!read) return showHelp(command.name);
  const caller = processCaller(args, log);
  const globals = readGlobals(values, caller);
  const endTrace = values.trace === undefined ? undefined : await startTracing(values.trace, caller);
  const endSteps = logOptions(values).level === 'debug' ? await tellSteps(caller) : undefined;
  try {
    return (await command.run({ caller, globals, ...read })) ?? 0;
  } finally {
    endSteps?.();
    endTrace?.();
  }
}

/** `file` is empty for standard error. */
async function startTracing(file: string, caller: Caller): Promise<() => void> {
  const { startTrace } = await import('../trace/start-trace.ts');
  return startTrace(file || undefined, caller);
}

async function tellSteps(caller: Caller): Promise<() => void> {
  const { startStepLog } = await import('../trace/step-log.ts');
  return startStepLog((step) => caller.debug(step));
}

async function showHelp(name?: string): Promise<number> {
  const { commandHelp, globalHelp } = await import('./help.ts');
  if (name === undefined) writeAll(STDOUT, globalHelp(await loadCommands()));
  else {
    const command = await loadCommand(name);
    if (!command) throw unknownCommand(name);
    writeAll(STDOUT, commandHelp(command));
  }
  return 0;
}

async function showVersion(): Promise<number> {
  const { versionText } = await import('./version.ts');
  writeAll(STDOUT, versionText());
  return 0;
}

function unknownCommand(name: string): UsageError {
  const match = nearest(name, commandNames);
  const hint = match ? `did you mean ${match}?` : 'tsoci --help lists them';
  return new UsageError(`unknown command ${name}; ${hint}`);
}

/** An error that no code of ours foresaw is marked as a fault of tsoci. */
function described(error: unknown): string {
  if (error instanceof TsociError || errnoOf(error) !== undefined) return messageOf(error);
  return `internal error: ${String(error)} (--debug shows where)`;
}
