// What has create, run, start and exec debugged: a debugger that listens at TSOCI_DEBUGGER. And what has create and run wait
// for one when they fail: --debug-wait, a directory for its socket in TSOCI_DEBUG, or an annotation of config.json.
// Nothing of it is loaded where none is there.

import type { Prepared } from '../container/create/creation.ts';
import type { Debuggee } from '../debug/debuggee.ts';
import { TsociError } from '../linux/errors.ts';
import type { Invocation } from './command.ts';
import { type Option, UsageError } from './options.ts';

/** Seconds to wait at a failure for a debugger, in the annotations of a config.json. */
export const DEBUG_ANNOTATION = 'org.tsoci.debug';
const SECONDS = 60;
const MOST_SECONDS = 3600;

export const DEBUG_OPTIONS = [
  {
    long: 'debug-wait',
    kind: 'string',
    placeholder: 'SECONDS',
    bare: String(SECONDS),
    help: 'when it fails, wait that long for "tsoci debug --attach ID" before all is taken back (60 if no number is given)',
  },
  {
    long: 'on-error',
    kind: 'string',
    placeholder: 'WHAT',
    choices: ['undo', 'shell'],
    default: 'undo',
    help: 'when it fails, open a shell in the namespaces of the half-made container, with the programs of the host, before all is taken back (shell)',
  },
] as const satisfies readonly Option[];

/** What is asked for by these options. */
export interface DebugSettings extends Omit<Debuggee, 'root' | 'command'> {
  wait?: string | undefined;
  onError?: 'undo' | 'shell';
}

type Debuggable = Pick<Invocation<readonly Option[]>, 'caller' | 'globals'>;

/** Runs a command, debugged if that is asked for. What it is given is to be told of a creation. */
export async function debuggable<T>(
  { caller, globals: { root } }: Debuggable,
  { wait, onError, ...debugged }: DebugSettings & Pick<Debuggee, 'command'>,
  run: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { TSOCI_DEBUGGER: debuggerAt, TSOCI_DEBUG: directory } = caller.env;
  using opened = new DisposableStack();
  const load = () => import('../debug/debuggee.ts');
  const debuggee = { root, ...debugged };
  const waiting = async (seconds: number) => {
    const { debugDirectory, waitForDebugger } = await load();
    return opened.use(waitForDebugger(directory || debugDirectory(root), seconds, caller, debuggee));
  };
  if (debuggerAt) {
    const { debugBy, isSocket } = await load();
    // A hook has the variable too, when the debugger listens no more.
    if (isSocket(debuggerAt)) return await run(opened.use(debugBy(debuggerAt, caller, debuggee)).prepared);
  }
  if (onError === 'shell') {
    const { openShellAtFailure } = await load();
    return await run(opened.use(openShellAtFailure(caller, debuggee)).prepared);
  }
  // An engine has more than one exec fail, and waits for each.
  const makes = debugged.command === 'create' || debugged.command === 'run';
  if (directory && makes && !directory.startsWith('/'))
    throw new TsociError(`TSOCI_DEBUG is ${directory}, and no absolute path`);
  const asked = wait ?? (directory && makes ? String(SECONDS) : undefined);
  if (asked !== undefined) return await run((await waiting(secondsOf(asked, '--debug-wait'))).prepared);
  return await run(async (creation) => {
    const asked = creation.bundle.config.annotations?.[DEBUG_ANNOTATION];
    if (asked === undefined) return;
    await (await waiting(secondsOf(asked, DEBUG_ANNOTATION))).prepared(creation);
  });
}

function secondsOf(text: string, name: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > MOST_SECONDS)
    throw new UsageError(`${name}: "${text}" is no number of seconds up to ${MOST_SECONDS}`);
  return seconds;
}
