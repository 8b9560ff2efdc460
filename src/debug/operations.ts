// Operations as they are told of, and what can be said of each.

import { explainExecve } from '../diagnosis/explain-execve.ts';
import { TsociError } from '../linux/errors.ts';
import { argumentsAt } from '../stub/encode.ts';
import { type Operation as Call, executedBy, Structure } from '../stub/program.ts';
import { showArguments, showResult } from '../trace/calls.ts';
import { memoryOf } from '../trace/stub-memory.ts';
import type { Operation } from './protocol.ts';
import { isPiece, type Step } from './step-by-step.ts';

/** A call of a stub with its arguments decoded. `property` is that of what is attempted, for a call that has none. */
export function describeStep(
  step: Step,
  { number, property, result }: { number: number; property: string | undefined; result: number | undefined },
): Operation {
  const { executor, operations, index, message, heap } = step;
  const operation = operations[index];
  const { call = 'set_control', doing = '' } = operation ?? {};
  const memory = memoryOf(message, heap);
  const decoded = { args: argumentsAt(message, index), before: memory, after: memory, result };
  return {
    number,
    role: executor.role,
    pid: executor.pid,
    call: operation?.call,
    text: `${call}(${showArguments(call, decoded).join(', ')})`,
    doing,
    property: operation?.property ?? property,
    ...(result !== undefined && { result: showResult(call, result) }),
  };
}

/** What `next` goes on from: the property that is applied, or what is being done. */
export function subjectOf({ property, doing, role }: Operation): string {
  return property ?? `${role} ${doing}`;
}

/** The property that an error is of, or the error that it explains. */
export function propertyOf(error: unknown): string | undefined {
  if (!(error instanceof TsociError)) return undefined;
  return error.property ?? propertyOf(error.cause);
}

/** Whether what follows needs nothing that comes of it. */
export function isSkippable(step: Step): boolean {
  const operation = step.operations[step.index];
  if (!operation) return false;
  const { call, opens, receives } = operation;
  if (call === 'seccomp') return true;
  return !isPiece(step) && opens === undefined && !receives && call !== 'execve' && call !== 'clone3';
}

export function explained(call: Call, { executor, channel }: Step, result: number): unknown {
  const error = TsociError.fromErrno(call.doing, -result).for(call.property);
  const path = executedBy(call);
  return path === undefined
    ? error
    : explainExecve(error, path, { execution: () => channel.execution(executor.pid) });
}

/** The environment in an execve(2) of a program. */
export function environmentIn(operations: readonly Call[]): string[] | undefined {
  const [, , env] = operations.find(({ call }) => call === 'execve')?.args ?? [];
  if (!(env instanceof Structure)) return undefined;
  return env.words.filter((word): word is string => typeof word === 'string');
}
