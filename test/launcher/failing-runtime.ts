// A runtime with faults that nobody foresaw: the one that the caller's FAIL names comes in the midst of its command.

import { tsoci } from '../../src/cli/tsoci.ts';
import { beRuntime } from '../../src/launcher/runtime.ts';
import { observeStubs } from '../../src/stub/observer.ts';

/** Milliseconds: the command waits by then. */
const SOON = 100;

function fail(): never {
  throw new TypeError('nobody foresaw this');
}

function recurse(depth = 0): number {
  return 1 + recurse(depth + 1);
}

/** What comes when a stub is to execute a program of a container. */
const inProgram: Readonly<Record<string, () => void>> = {
  throw: fail,
  'stack overflow': () => {
    recurse();
  },
  'out of memory': () => {
    'x'.repeat(2 ** 30).repeat(2 ** 10);
  },
  rejection: () => {
    Promise.reject(new TypeError('nobody foresaw this'));
  },
  abort: () => process.abort(),
  exit: () => process.exit(0),
  kill: () => process.kill(process.pid, 'SIGKILL'),
};

/** What comes while the command waits. */
const meanwhile: Readonly<Record<string, () => void>> = {
  'throw in a callback': fail,
  'rejection in a callback': () => {
    Promise.reject(new TypeError('nobody foresaw this'));
  },
};

await beRuntime(async (request, launcher) => {
  const { FAIL = '', AT = '1' } = request.env;
  const act = inProgram[FAIL];
  const callback = meanwhile[FAIL];
  if (callback) setTimeout(callback, SOON);
  let left = Number(AT);
  const end =
    act && observeStubs({ decodes: false, sending: () => --left === 0 && act(), replied: () => {} });
  try {
    return await tsoci(request, launcher);
  } finally {
    end?.();
  }
});
