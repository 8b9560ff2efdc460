// The process of `exec`: what its options, a process file and config.json say of it.

import type { Process } from '../config/generated/types.ts';
import { given } from '../config/given.ts';
import type { Caller } from '../launcher/caller.ts';
import { TsociError } from '../linux/errors.ts';
import { readTextFile } from '../linux/text-file.ts';
import { withCapabilities } from '../security/capabilities.ts';

export interface ProcessOptions {
  /** The command; empty with a process file. */
  args: readonly string[];
  /** A file with a process object in place of the command. */
  processFile: string | undefined;
  tty: boolean;
  user: { uid: number; gid?: number } | undefined;
  additionalGids: readonly number[];
  cwd: string | undefined;
  env: readonly string[];
  capabilities: readonly string[];
  noNewPrivileges: boolean;
  apparmorProfile: string | undefined;
  selinuxLabel: string | undefined;
}

/** config.json's process, or that of the process file, with what the options say. */
export async function execProcess(
  caller: Caller,
  configured: Process | undefined,
  options: ProcessOptions,
): Promise<Process> {
  const { processFile } = options;
  const process =
    processFile === undefined
      ? withoutTerminal(configured)
      : confined(await readProcess(processFile, caller), configured);
  return withOptions(process, options);
}

/** The process of `exec` has a terminal if it asks for one, whether or not the container's own process has. */
function withoutTerminal(configured: Process | undefined): Process {
  const { terminal, consoleSize, ...process } = configured ?? { cwd: '/' };
  return process;
}

/**
 * What a process file leaves out of capabilities, limits and labels is as config.json has it. No more than that: without
 * `env`, say, there are no variables, and without `user` it is root's.
 */
function confined(process: Process, configured: Process = { cwd: '/' }): Process {
  const { capabilities, rlimits, oomScoreAdj, scheduler, ioPriority, execCPUAffinity } = configured;
  return {
    ...given({ capabilities, rlimits, oomScoreAdj, scheduler, ioPriority, execCPUAffinity }),
    ...process,
    ...given({
      apparmorProfile: process.apparmorProfile || configured.apparmorProfile,
      selinuxLabel: process.selinuxLabel || configured.selinuxLabel,
    }),
    user: { uid: 0, gid: 0, ...given({ umask: configured.user?.umask }), ...process.user },
  };
}

function withOptions(process: Process, options: ProcessOptions): Process {
  const { args, tty, cwd, env, noNewPrivileges, apparmorProfile, selinuxLabel } = options;
  const user = { uid: 0, gid: 0, ...process.user, ...options.user };
  const additionalGids = [...(user.additionalGids ?? []), ...options.additionalGids];
  const changed: Process = {
    ...process,
    ...given({ cwd }),
    ...(apparmorProfile && { apparmorProfile }),
    ...(selinuxLabel && { selinuxLabel }),
    ...(args.length > 0 && { args: [...args] }),
    env: [...(process.env ?? []), ...env],
    user: { ...user, additionalGids },
    ...(tty && { terminal: true }),
    ...(noNewPrivileges && { noNewPrivileges: true }),
  };
  if (options.capabilities.length > 0)
    changed.capabilities = withCapabilities(process.capabilities, options.capabilities);
  if (!changed.args?.length) throw new TsociError('exec: process.args is empty');
  return changed;
}

/** The process of a file, checked like that of a config.json. The validators are loaded for it alone. */
async function readProcess(path: string, caller: Caller): Promise<Process> {
  const { loadProcess } = await import('../config/load.ts');
  const { describe } = await import('../config/finding.ts');
  const { value, warnings } = loadProcess(readTextFile(path, { fifo: true }), path);
  for (const warning of warnings) {
    // Warnings about capabilities come later, when it is known which can be granted (planCapabilities).
    if (!warning.pointer.startsWith('/capabilities/')) caller.warn(describe(warning));
  }
  return value;
}
