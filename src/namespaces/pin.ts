// Pinning namespaces, and letting them go. What mounts them is one program of a stub in the caller's own namespaces: it is
// executed to its end whoever dies meanwhile, and what comes before it makes nothing that lasts.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Caller } from '../launcher/caller.ts';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  MNT_DETACH,
  MS_BIND,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  UMOUNT_NOFOLLOW,
} from '../linux/constants.ts';
import { EEXIST, EINVAL, ENOENT, ENOTDIR, EPERM } from '../linux/errno.ts';
import { errnoOf, TsociError } from '../linux/errors.ts';
import { discardEmptyDirectory, makeDirectories } from '../linux/files.ts';
import type { Program } from '../stub/program.ts';
import { OperationError } from '../stub/results.ts';
import { StubProcess } from '../stub/stub-process.ts';
import { processIn, type WantedNamespaces } from './make.ts';
import { type NamespaceType, namespaceTypes } from './namespace-plan.ts';
import { checkPinName, findPin, NETNS, pathOfPin, pinnable, pinsBeside } from './pins.ts';

/** Makes namespaces and keeps them by a name. */
export function addPin(caller: Caller, root: string, name: string, wanted: WantedNamespaces): void {
  checkPinName(name);
  if (wanted.create.has('pid'))
    throw new TsociError(
      'a pid namespace cannot be pinned: it ends with its first process, and no other can be made in it then; "ns run --pid" makes one for a command',
    );
  if (caller.uid !== 0)
    throw new TsociError(
      'pin namespaces: it takes the rights of root, since they are kept by bind mounts; "ns run" does without',
      { errno: EPERM },
    );
  if (findPin(root, name)) throw alreadyThere(name);
  const types = pinnable.filter((type) => wanted.create.has(type));
  using pinner = StubProcess.spawn(caller.launcher, { stdio: caller.stdio, role: 'pin' });
  makePlaces(pinner, root, types);
  try {
    pinSomewhere(caller, pinner, { root, name, types, wanted });
  } catch (error) {
    discardEmptyDirectory(pinsBeside(root));
    throw error instanceof OperationError && error.answer === EEXIST ? alreadyThere(name) : error;
  }
}

interface Pinning {
  root: string;
  name: string;
  types: readonly NamespaceType[];
  wanted: WantedNamespaces;
}

/**
 * A mount namespace can be mounted only in one that is older, by a number that the kernel gives (EINVAL: it could keep itself
 * else). From Linux 6.18 on numbers are handed out by each CPU from a stock of its own: one that was made now may have a lower
 * one than ours. It has not when it is made by the CPU that has made ours.
 */
function pinSomewhere(caller: Caller, pinner: StubProcess, pinning: Pinning): void {
  const cpus = pinning.types.includes('mount') ? availableParallelism() : 0;
  for (let cpu = -1; ; cpu++) {
    const { wanted } = pinning;
    try {
      return pinOnce(caller, pinner, cpu < 0 ? pinning : { ...pinning, wanted: { ...wanted, cpu } });
    } catch (error) {
      if (errnoOf(error) !== EINVAL || cpu + 1 >= cpus) throw error;
    }
  }
}

function pinOnce(caller: Caller, pinner: StubProcess, { root, name, types, wanted }: Pinning): void {
  using holder = processIn(caller, wanted, 'holder');
  holder.flush();
  const program = pinner.program();
  const steps = pinSteps(root, name, types, holder.pid);
  for (const { add } of steps) add(program);
  try {
    pinner.run(program);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const undo = pinner.program();
    for (const step of steps.slice(0, error.executed).reverse()) step.undo(undo);
    if (undo.length > 0) pinner.run(undo);
    throw error;
  }
}

function alreadyThere(name: string): TsociError {
  return new TsociError(`there are namespaces called ${name} already: tsoci ns delete ${name} lets them go`, {
    errno: EEXIST,
  });
}

/** Directories for pins. That of ip-netns(8) is shared, as it makes it: other mount namespaces see what is pinned later. */
function makePlaces(stub: StubProcess, root: string, types: readonly NamespaceType[]): void {
  if (types.some((type) => type !== 'network')) directory(pinsBeside(root));
  if (!types.includes('network')) return;
  directory(NETNS);
  const share = (program: Program, ignored: readonly number[]) =>
    program.call('mount', [null, NETNS, null, MS_SHARED | MS_REC, null], `share ${NETNS}`, { ignored });
  const program = stub.program();
  const shared = share(program, [EINVAL]);
  if (stub.run(program).at(shared) === 0) return;
  const binding = stub.program();
  binding.call('mount', [NETNS, NETNS, null, MS_BIND | MS_REC, null], `bind ${NETNS} on itself`);
  share(binding, []);
  stub.run(binding);
}

function directory(path: string): void {
  try {
    makeDirectories(path, 0o755);
  } catch (error) {
    throw TsociError.from(`make directory ${path}`, error);
  }
}

/** One call, and what takes it back. */
interface Step {
  add: (program: Program) => void;
  undo: (program: Program) => void;
}

function pinSteps(root: string, name: string, types: readonly NamespaceType[], pid: number): Step[] {
  const beside = join(pinsBeside(root), name);
  const others = types.filter((type) => type !== 'network');
  const mounting = (type: NamespaceType): Step[] => {
    const path = pathOfPin(root, name, type);
    const source = `/proc/${pid}/ns/${namespaceTypes[type].file}`;
    return [...makeFile(path), mount(source, path)];
  };
  return [
    ...(types.includes('network') ? mounting('network') : []),
    ...(others.length > 0 ? [makeDirectory(beside)] : []),
    // A mount that is passed on could end up in the mount namespace itself, which the kernel does not allow.
    ...(others.includes('mount') ? [mount(beside, beside), makePrivate(beside)] : []),
    ...others.flatMap(mounting),
  ];
}

function makeFile(path: string): Step[] {
  const args = [AT_FDCWD, path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0];
  let fd = -1;
  const opening: Step = {
    add: (program) => {
      fd = program.open('openat', args, `make ${path}`);
    },
    undo: (program) => void program.call('unlinkat', [AT_FDCWD, path, 0], `remove ${path}`),
  };
  return [opening, { add: (program) => program.close(fd), undo: () => {} }];
}

function makeDirectory(path: string): Step {
  return {
    add: (program) => void program.call('mkdirat', [AT_FDCWD, path, 0o755], `make directory ${path}`),
    undo: (program) => removeDirectory(program, path),
  };
}

function mount(source: string, path: string): Step {
  return {
    add: (program) =>
      void program.call('mount', [source, path, null, MS_BIND, null], `bind ${source} on ${path}`),
    undo: (program) => unmount(program, path),
  };
}

function makePrivate(path: string): Step {
  return {
    add: (program) =>
      void program.call('mount', [null, path, null, MS_PRIVATE, null], `make the mount on ${path} private`),
    undo: () => {},
  };
}

function unmount(program: Program, path: string): void {
  const flags = MNT_DETACH | UMOUNT_NOFOLLOW;
  program.call('umount2', [path, flags], `unmount ${path}`, { ignored: [EINVAL, ENOENT] });
}

function removeDirectory(program: Program, path: string): void {
  program.call('unlinkat', [AT_FDCWD, path, AT_REMOVEDIR], `remove ${path}`, { ignored: [ENOENT] });
}

/** Lets namespaces go. As with `ip netns delete`, they last as long as a process is in them. */
export function deletePin(caller: Caller, root: string, name: string): void {
  checkPinName(name);
  using stub = StubProcess.spawn(caller.launcher, { stdio: caller.stdio, role: 'pin' });
  const program = stub.program();
  const beside = join(pinsBeside(root), name);
  const removed = pinnable.map((type) => {
    const path = pathOfPin(root, name, type);
    unmount(program, path);
    return program.call('unlinkat', [AT_FDCWD, path, 0], `remove ${path}`, { ignored: [ENOENT, ENOTDIR] });
  });
  unmount(program, beside);
  removeDirectory(program, beside);
  const results = stub.run(program);
  discardEmptyDirectory(pinsBeside(root));
  if (removed.every((at) => results.at(at) !== 0))
    throw new TsociError(`no namespaces are called ${name}: tsoci ns lists those that are`, {
      errno: ENOENT,
    });
}
