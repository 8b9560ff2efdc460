// tsoci as a function of its arguments: finds the command, runs it, tells of its failure.

import { nearest } from '../config/nearest.ts';
import type { Caller } from '../launcher/caller.ts';
import type { LauncherProcess } from '../launcher/launcher-process.ts';
import type { Request } from '../launcher/request.ts';
import type { Outcome } from '../launcher/worker.ts';
import { detailsOf, isInternal, messageOf, originOf, TsociError } from '../linux/errors.ts';
import { watchProgress } from '../linux/progress.ts';
import { takeTurn, watchUncaught } from '../linux/uncaught.ts';
import { CallerGone, setCaller } from '../linux/wanted.ts';
import { type Command, readArguments } from './command.ts';
import { commandNames, loadCommand, loadCommands } from './command-table.ts';
import { GLOBAL_OPTIONS, type GlobalValues, logOptions, readGlobals, traceRequest } from './globals.ts';
import { launchedCaller } from './launched-caller.ts';
import { type Log, openLog, tellPerson } from './log.ts';
import { parse, UsageError } from './options.ts';
import { ReaderGone } from './output.ts';
import { startProgress } from './progress-line.ts';

const FAILURE = 1;
/** As a shell shows the end by SIGPIPE, which would be ours if Node did not ignore it. */
const READER_GONE = 128 + 13;

/** Runs tsoci for the caller whose request it is. */
export async function tsoci(request: Request, launcher: LauncherProcess): Promise<Outcome> {
  const [, , stderr] = request.stdio;
  let log: Log = (level, message) => {
    if (level === 'error') tellPerson(stderr, message);
  };
  using opened = new DisposableStack();
  const progress = opened.use(startProgress(stderr, request.env, () => launcher.alive));
  const caller = launchedCaller(request, launcher, (level, message) => {
    progress.wipe();
    log(level, message);
  });
  setCaller(launcher.socket);
  opened.defer(() => setCaller(undefined));
  let failure = FAILURE;
  const uncaught = opened.use(watchUncaught());
  try {
    return { status: await Promise.race([run(request, caller), uncaught.error]), sound: true };
  } catch (error) {
    return { status: failed(log, error, failure), sound: !isInternal(error) };
  }

  async function run({ args }: Request, caller: Caller): Promise<number> {
    const { values, operands, help } = parse(GLOBAL_OPTIONS, args, 1);
    if (values.version && !help) return showVersion(caller);
    const [name, ...rest] = operands;
    if (help || name === undefined) return showHelp(caller);
    if (name === 'help') return showHelp(caller, rest[0]);
    log = opened.use(openLog(logOptions(values, caller), stderr));
    const command = await loadCommand(name);
    if (!command) throw unknownCommand(name);
    failure = command.failure ?? FAILURE;
    try {
      return await runCommand(command, rest, values, caller);
    } finally {
      // What it has begun and has not waited for fails here, and not in the next command.
      await takeTurn();
    }
  }
}

/** Tells of an error; the exit status, which is `failure` unless the error is none of ours. */
function failed(log: Log, error: unknown, failure: number): number {
  if (error instanceof ReaderGone) return READER_GONE;
  // Who has killed the launcher, perhaps by Ctrl-C, knows it.
  log(error instanceof CallerGone ? 'debug' : 'error', described(error), detailsOf(error));
  const origin = originOf(error);
  if (origin instanceof Error && origin.stack) log('debug', origin.stack);
  return failure;
}

async function runCommand(
  command: Command,
  args: readonly string[],
  values: GlobalValues,
  caller: Caller,
): Promise<number> {
  const read = readArguments(command, args);
  if (!read) return showHelp(caller, command.name);
  const globals = readGlobals(values, caller);
  const endTrace = await startTracing(values, command, read.operands, caller);
  const endSteps = logOptions(values, caller).level === 'debug' ? await tellSteps(caller) : undefined;
  // Lines that scroll by show as much.
  if (endTrace || endSteps) watchProgress(undefined);
  try {
    return (await command.run({ caller, globals, ...read })) ?? 0;
  } finally {
    endSteps?.();
    endTrace?.();
  }
}

async function startTracing(
  values: GlobalValues,
  command: Command,
  operands: readonly string[],
  caller: Caller,
): Promise<(() => void) | undefined> {
  if (values.trace.length === 0) return undefined;
  const { namesFile, startTrace } = await import('../trace/start-trace.ts');
  // The first operand says which container it is.
  const name = ['tsoci', command.name, ...operands.slice(0, 1)].join(' ');
  return startTrace({ ...traceRequest(values, namesFile, caller), name }, caller);
}

async function tellSteps(caller: Caller): Promise<() => void> {
  const { startStepLog } = await import('../trace/step-log.ts');
  return startStepLog((step) => caller.debug(step));
}

async function showHelp(caller: Caller, name?: string): Promise<number> {
  const { commandHelp, globalHelp } = await import('./help.ts');
  if (name === undefined) caller.write(caller.stdio[1], globalHelp(await loadCommands()));
  else {
    const command = await loadCommand(name);
    if (!command) throw unknownCommand(name);
    caller.write(caller.stdio[1], commandHelp(command));
  }
  return 0;
}

async function showVersion(caller: Caller): Promise<number> {
  const { versionText } = await import('./version.ts');
  caller.write(caller.stdio[1], versionText());
  return 0;
}

function unknownCommand(name: string): UsageError {
  const match = nearest(name, commandNames);
  const hint = match ? `did you mean ${match}?` : 'tsoci --help lists them';
  return new UsageError(`unknown command ${name}; ${hint}`);
}

/** An error that no code of ours foresaw is marked as a fault of tsoci. */
function described(error: unknown): string {
  if (error instanceof TsociError && error.property !== undefined && !error.propertyTold)
    return `${error.message}; for ${error.property} of the config`;
  if (!isInternal(error)) return messageOf(error);
  return `internal error: ${error instanceof TsociError ? error.message : String(error)} (--debug shows where)`;
}
