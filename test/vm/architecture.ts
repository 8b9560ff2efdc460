// The processors that the machine can have: what qemu, Debian and npm call them, and what Linux needs to be told.

export type Architecture = 'x64' | 'arm64';

export type Processor = {
  /** Debian's name. */
  debian: string;
  /** qemu's system emulator, and the machine and processor that it emulates. */
  qemu: string;
  machine: string;
  cpu: string;
  /** The first serial port. */
  console: string;
  /** For the kernel's command line. */
  kernelArguments: string[];
};

export const processors: Readonly<Record<Architecture, Processor>> = {
  x64: {
    debian: 'amd64',
    qemu: 'qemu-system-x86_64',
    machine: 'pc',
    cpu: 'max,la57=off,cx16=off', // the flags of cx16 came out wrong in Linux 6.12
    console: 'ttyS0',
    kernelArguments: ['no_timer_check'], // on a busy host the timer is late, and a kernel that looks for it gives up
  },
  arm64: {
    debian: 'arm64',
    qemu: 'qemu-system-aarch64',
    machine: 'virt',
    cpu: 'neoverse-n1', // no pointer authentication, which is slow to emulate
    console: 'ttyAMA0',
    kernelArguments: [],
  },
};

export const architectures = Object.keys(processors) as Architecture[];

/** This host's. */
export function hostArchitecture(): Architecture {
  return architectureOf(process.arch);
}

/** Throws an error for a name that is none. */
export function architectureOf(name: string): Architecture {
  const found = architectures.find((architecture) => architecture === name);
  if (found === undefined) throw new Error(`architecture ${name}: known are ${architectures.join(', ')}`);
  return found;
}
