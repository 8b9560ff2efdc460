// config.md#mounts, mounted one after another, many in one program for as long as all goes well.

import { posix } from 'node:path';
import { attemptOrSkip, isDebugged } from '../linux/attempt.ts';
import { RESOLVE_NO_SYMLINKS } from '../linux/constants.ts';
import { type Program, withProperty } from '../stub/program.ts';
import { OperationError, type Results } from '../stub/results.ts';
import type { BuildContext, RootContext } from './context.ts';
import type { Place } from './filesystem.ts';
import { addMount, attachMount, inspect, openTarget, performMount, rememberReadonly } from './mount.ts';
import type { MountPlan } from './mount-plan.ts';
import { lookForProc, type ProcLook, refuseOnProc } from './proc-mounts.ts';
import { addTarget } from './target.ts';
import { goesByCovered, isMadeAtOnce, mountTmpfs } from './tmpfs.ts';

/** How many mounts go into one program at most, which must fit into the stub's buffer. */
const BATCH = 48;

/** A target that was opened, and what is covered there, a struct statx. */
interface Seen {
  target: number;
  covered: Buffer;
}

/** Mounts that can go into one program, and the targets of those that go by what they cover. */
interface Batch {
  plans: readonly MountPlan[];
  seen: ReadonlyMap<MountPlan, Seen>;
}

const NOTHING: Batch = { plans: [], seen: new Map() };

/**
 * Mounts one after another; in one program for as long as all goes well. `supply` completes mounts with what has to be opened
 * for them, a few at a time.
 */
export function mountAll(
  context: BuildContext,
  given: readonly MountPlan[],
  supply = (mounts: readonly MountPlan[]) => [...mounts],
): void {
  const plans: MountPlan[] = [];
  // What a new tmpfs has in it is not there yet.
  const empty = given.filter(
    ({ from, options }) => 'type' in from && from.type === 'tmpfs' && !options.tmpCopyUp,
  );
  const directories = new Set(empty.map(({ destination }) => destination));
  // Whoever looks on sees each mount made by itself, and not first in a program that may not go well.
  const alone = isDebugged();
  let size = BATCH;
  let batch = NOTHING;
  for (let next = 0; next < given.length; ) {
    const ahead = next + batch.plans.length;
    while (plans.length < Math.min(ahead + size, given.length))
      plans.push(...supply(given.slice(plans.length, plans.length + BATCH)));
    const following = alone ? [] : plans.slice(ahead, ahead + size);
    const { done, ready } = mountAndLook(context, batch, following, directories);
    next += done;
    // Where one target is missing the next often are: a program that is not executed was made for nothing.
    size = done < batch.plans.length ? 1 : Math.min(2 * size, BATCH);
    batch = ready;
    const plan = plans[next];
    // What takes more than one program, or has failed: by itself it is mended, or its failure told.
    if (plan && batch.plans.length === 0) {
      attemptOrSkip(plan.property, () =>
        withProperty(context.init, plan.property, () => performMount(context, plan)),
      );
      next += 1;
    }
  }
}

/**
 * Makes the mounts of a batch, and looks at the targets of those that follow, in one program. How many are done: all, or
 * those before the one that failed; and the next batch.
 */
function mountAndLook(
  context: BuildContext,
  { plans, seen }: Batch,
  following: readonly MountPlan[],
  empty: ReadonlySet<string>,
): { done: number; ready: Batch } {
  const { init } = context;
  const program = init.program();
  const steps = plans.map((plan) => addStep(program, context, plan, seen.get(plan), empty));
  const { count, looks } = addLooks(program, context, following);
  if (program.length === 0) return { done: 0, ready: { ...NOTHING, plans: following.slice(0, count) } };
  const { results, executed } = runAsFarAsPossible(init, program);
  const failed = steps.findIndex(({ end }) => end > executed);
  const done = failed < 0 ? steps.length : failed;
  // Links are followed where each is mounted by itself. Only now is it known what the targets were. A mount that may not
  // be there is refused, and init ends with it.
  for (const { plan, mount, look } of steps.slice(0, done)) {
    refuseOnProc(plan, look, results);
    rememberReadonly(context, plan, mount);
  }
  if (done === steps.length) {
    const unseen = looks.find(({ end }) => end > executed);
    const found = looks.slice(0, unseen ? looks.indexOf(unseen) : looks.length);
    const open = found.map(
      ({ plan, target, stat }) => [plan, { target, covered: results.bytes(stat) }] as const,
    );
    return { done, ready: { plans: following.slice(0, unseen?.index ?? count), seen: new Map(open) } };
  }
  closeTargets(init, plans.slice(done), seen);
  return { done, ready: NOTHING };
}

interface Step {
  plan: MountPlan;
  /** The mount's descriptor, where it has one. */
  mount: number | undefined;
  look: ProcLook;
  /** How many operations there are up to its end. */
  end: number;
}

/** Adds what makes and attaches a mount. For one in one of the `empty` directories its own directory is made. */
function addStep(
  program: Program,
  { root, ownUsers }: BuildContext,
  plan: MountPlan,
  seen: Seen | undefined,
  empty: ReadonlySet<string>,
): Step {
  program.property = plan.property;
  if (plan.kind === 'directory' && empty.has(posix.dirname(plan.destination)))
    addTarget(program, root, plan.destination, 'directory');
  const target = seen?.target ?? openTarget(program, root, plan, RESOLVE_NO_SYMLINKS);
  const made = addWholeMount(program, plan, { root, target, covered: seen?.covered, ownUsers });
  return { plan, ...made, end: program.length };
}

function addWholeMount(program: Program, plan: MountPlan, place: Place): Pick<Step, 'mount' | 'look'> {
  const { target } = place;
  if ('type' in plan.from && isMadeAtOnce(plan)) {
    const look = lookForProc(program, plan, { target });
    mountTmpfs(program, plan, plan.from.device, place);
    program.close(target);
    return { mount: undefined, look };
  }
  const { mount } = addMount(program, plan, place, { atOnce: !place.ownUsers });
  const look = lookForProc(program, plan, { target, mount });
  attachMount(program, plan, mount, target);
  return { mount, look };
}

interface Look {
  plan: MountPlan;
  /** Where it is in the list. */
  index: number;
  target: number;
  stat: Buffer;
  /** How many operations there are up to its end. */
  end: number;
}

/**
 * How many of a list of mounts can go into one program; and adds what opens the targets of those that go by what they cover.
 * These must be there, and must not be on a mount that comes before in the list: no link leads anywhere else.
 */
function addLooks(
  program: Program,
  { root }: RootContext,
  plans: readonly MountPlan[],
): { count: number; looks: Look[] } {
  const looks: Look[] = [];
  const before = new Set<string>();
  let count = 0;
  for (const plan of plans) {
    const { destination, options } = plan;
    if (options.remount || options.tmpCopyUp) break;
    if (goesByCovered(plan)) {
      if (isWithin(destination, before)) break;
      program.property = plan.property;
      const target = openTarget(program, root, plan, RESOLVE_NO_SYMLINKS);
      const stat = inspect(program, plan, target);
      looks.push({ plan, index: count, target, stat, end: program.length });
    }
    before.add(destination);
    count++;
  }
  return { count, looks };
}

/** Whether a path is one of a set, or below one. */
function isWithin(path: string, places: ReadonlySet<string>): boolean {
  for (let at = path; at !== '/'; at = posix.dirname(at)) if (places.has(at)) return true;
  return false;
}

/** Of mounts that go by themselves. */
function closeTargets(
  init: RootContext['init'],
  plans: readonly MountPlan[],
  seen: ReadonlyMap<MountPlan, Seen>,
): void {
  const program = init.program();
  for (const plan of plans) {
    const found = seen.get(plan);
    if (found) program.close(found.target);
  }
  init.later(program);
}

/** The results up to the first error, and how many operations were executed before it. */
function runAsFarAsPossible(
  init: RootContext['init'],
  program: Program,
): { results: Results; executed: number } {
  try {
    return { results: init.run(program), executed: program.length };
  } catch (error) {
    if (!(error instanceof OperationError) || error.executed < 0) throw error;
    return error;
  }
}
