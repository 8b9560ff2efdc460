// The command line of run.ts.

import { parseArgs } from 'node:util';
import { type Architecture, architectureOf, architectures, hostArchitecture } from './architecture.ts';
import type { Guest } from './machine.ts';
import { allKernels, kernelNames, largePagesKernel, usualKernel } from './system.ts';

export const usage = `usage: npm run test:vm -- [OPTIONS] [FILES...]       run guest tests (default: all)
       npm run test:vm -- [OPTIONS] -- COMMAND...    run a command in the guest
       npm run test:vm -- [OPTIONS] --shell [COMMAND...]
                                                     the same; without COMMAND a shell. Ctrl-] ends the machine

  --arch NAME        ${architectures.join(' or ')} (default: this host's)
  --kernel NAME,…    ${kernelNames.join(', ')}; all: those for every test (default: ${usualKernel})
  --systemd          boot systemd instead of busybox init (tests in guest/systemd/ always do)
  --selinux          SELinux, enforcing, instead of AppArmor (tests in guest/selinux/ always have it)
  --timeout SECONDS  kill the machine after this time, longer if it is slow to boot (default: 1200; none for a shell)
  --verbose          print the kernel's log
`;

export type Options = Guest & {
  task: { kind: 'test'; files: string[] } | { kind: 'command'; words: string[] };
  architecture: Architecture;
  kernels: string[];
  timeout: number;
  verbose: boolean;
};

/** Undefined for --help. Throws an error with a message for the person who called. */
export function parseOptions(args: string[]): Options | undefined {
  const separator = args.findIndex((arg) => arg === '--' || arg === '--shell');
  const command = separator < 0 ? [] : args.slice(separator + 1);
  const shell = separator >= 0 && command.length === 0;
  const { values, positionals } = parseArgs({
    args: separator < 0 ? args : args.slice(0, separator),
    allowPositionals: true,
    options: {
      arch: { type: 'string' },
      kernel: { type: 'string', default: usualKernel },
      selinux: { type: 'boolean', default: false },
      systemd: { type: 'boolean', default: false },
      timeout: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return undefined;
  const kernels = values.kernel === 'all' ? allKernels : values.kernel.split(',');
  if (!kernels.every((version) => kernelNames.includes(version)))
    throw new Error(`--kernel ${values.kernel}: known are ${kernelNames.join(', ')} and all`);
  const architecture = values.arch === undefined ? hostArchitecture() : architectureOf(values.arch);
  if (kernels.includes(largePagesKernel) && architecture !== 'arm64')
    throw new Error(`--kernel ${largePagesKernel}: only with --arch arm64`);
  const words = shell ? ['sh', '-l'] : command;
  const timeout = Number(values.timeout ?? (shell ? 0 : 1200));
  if (!(timeout >= 0)) throw new Error(`--timeout ${values.timeout}: not a number of seconds`);
  if (values.selinux && values.systemd) throw new Error('--selinux: not with --systemd');
  return {
    task: words.length > 0 ? { kind: 'command', words } : { kind: 'test', files: positionals },
    architecture,
    kernels,
    init: values.systemd ? 'systemd' : 'busybox',
    lsm: values.selinux ? 'selinux' : 'apparmor',
    timeout,
    verbose: values.verbose,
  };
}
