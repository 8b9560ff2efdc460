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

/** The process file of --process, as it was read. */
export interface ProcessFile {
  readonly file: string;
  readonly text: string;
  /** The properties that it has. */
  readonly names: readonly string[];
}

/** config.json's process, or that of the process file, with what the options say. */
export async function execProcess(
  caller: Caller,
  configured: Process | undefined,
  options: ProcessOptions,
): Promise<{ process: Process; file: ProcessFile | undefined }> {
  const { processFile } = options;
  if (processFile === undefined)
    return { process: withOptions(withoutTerminal(configured), options), file: undefined };
  const { process, file } = await readProcess(processFile, caller);
  return { process: withOptions(confined(process, configured), options), file };
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
  if (!changed.args?.length) throw new TsociError('exec: the process file has no args');
  return changed;
}

/** The process of a file, checked like that of a config.json. The validators are loaded for it alone. */
async function readProcess(path: string, caller: Caller): Promise<{ process: Process; file: ProcessFile }> {
  const { loadProcess } = await import('../config/load.ts');
  const { describe } = await import('../config/finding.ts');
  const text = readTextFile(path, { fifo: true });
  const { value, warnings } = loadProcess(text, path);
  for (const warning of warnings) {
    // Warnings about capabilities come later, when it is known which can be granted (planCapabilities).
    if (!warning.pointer.startsWith('/capabilities/')) caller.warn(describe(warning));
  }
  return { process: value, file: { file: path, text, names: Object.keys(value) } };
}
