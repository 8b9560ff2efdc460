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
export type { Stdio, StdioOption } from './command-line.ts';
export * from './config-builder.ts';
export { Container, type CreateOptions } from './container.ts';
export { ContainerHandle, type ContainerState, type EventsOptions } from './container-handle.ts';
export { ContainerProcess, type ExecOptions } from './container-process.ts';
export type * from './container-stats.ts';
export { defaultSeccomp } from './default-seccomp.ts';
export type { Exit } from './exit.ts';
export type { LogEntry } from './json-log.ts';
export { type RunOptions, type RunResult, Runtime, type RuntimeOptions } from './runtime.ts';
export { type ErrorFields, TsociError } from './tsoci-error.ts';
