// tsoci as a function of its arguments: finds the command, runs it, tells of its failure.

import { nearest } from '../config/nearest.ts';
import type { Caller } from '../launcher/caller.ts';
import type { LauncherProcess } from '../launcher/launcher-process.ts';
import type { Request } from '../launcher/request.ts';
import type { Outcome } from '../launcher/worker.ts';
import { errnoOf, messageOf, TsociError } from '../linux/errors.ts';
import { setCaller } from '../linux/wanted.ts';
import { type Command, readArguments } from './command.ts';
import { commandNames, loadCommand, loadCommands } from './command-table.ts';
import { GLOBAL_OPTIONS, type GlobalValues, logOptions, readGlobals } from './globals.ts';
import { launchedCaller } from './launched-caller.ts';
import { type Log, openLog, tellPerson } from './log.ts';
import { parse, UsageError } from './options.ts';
import { ReaderGone } from './output.ts';
import { callersPath } from './paths.ts';

const FAILURE = 1;
/** As a shell shows the end by SIGPIPE, which would be ours if Node did not ignore it. */
const READER_GONE = 128 + 13;

/** Runs tsoci for the caller whose request it is. */
export async function tsoci(request: Request, launcher: LauncherProcess): Promise<Outcome> {
  const [, , stderr] = request.stdio;
  let log: Log = (level, message) => {
    if (level === 'error') tellPerson(stderr, message);
  };
  const caller = launchedCaller(request, launcher, (level, message) => log(level, message));
  using opened = new DisposableStack();
  setCaller(launcher.socket);
  opened.defer(() => setCaller(undefined));
  let failure = FAILURE;
  try {
    return { status: await run(request, caller), sound: true };
  } catch (error) {
    return { status: failed(log, error, failure), sound: isForeseen(error) };
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
    return runCommand(command, rest, values, caller);
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
  caller: Caller,
): Promise<number> {
  const read = readArguments(command, args);
  if (!read) return showHelp(caller, command.name);
  const globals = readGlobals(values, caller);
  const endTrace = values.trace === undefined ? undefined : await startTracing(values.trace, caller);
  const endSteps = logOptions(values, caller).level === 'debug' ? await tellSteps(caller) : undefined;
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
  return startTrace(file ? callersPath(file, caller) : undefined, caller);
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
  if (error instanceof TsociError && error.property !== undefined)
    return `${error.message}; for ${error.property} of the config`;
  if (isForeseen(error)) return messageOf(error);
  return `internal error: ${String(error)} (--debug shows where)`;
}

function isForeseen(error: unknown): boolean {
  return error instanceof TsociError || errnoOf(error) !== undefined;
}
