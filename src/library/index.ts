/**
 * Containers for programs that run many of them, or what they do not trust.
 *
 * ```ts
 * import { config, Runtime } from 'tsoci';
 *
 * const runtime = new Runtime();
 * const { stdout } = await runtime.run(config('/srv/rootfs').args('uname', '-a'), { timeout: 5_000 });
 * ```
 *
 * @module
 */

export type * from '../config/generated/types.ts';
export * from './config.ts';
export { Container, type CreateOptions } from './container.ts';
export { type ErrorFields, TsociError } from './errors.ts';
export type { Exit } from './exit.ts';
export { ContainerHandle, type ContainerState, type EventsOptions } from './handle.ts';
export type { LogEntry } from './log.ts';
export { ContainerProcess, type ExecOptions } from './process.ts';
export { type RunOptions, type RunResult, Runtime, type RuntimeOptions } from './runtime.ts';
export { defaultSeccomp } from './seccomp.ts';
export type * from './stats.ts';
export type { Stdio, StdioOption } from './tsoci.ts';
