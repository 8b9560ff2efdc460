// libseccomp (seccomp_init(3) and its neighbours), loaded when a config has a filter and at no other time.

import { existsSync, realpathSync, statSync } from 'node:fs';
import { messageOf, TsociError } from '../../linux/errors.ts';
import { type Argument, cString, type Library, openLibrary, readBytes, readString } from '../../linux/ffi.ts';

type Call = (...args: Argument[]) => number;

export interface Libseccomp {
  /** seccomp_version(3): "2.5.4". */
  readonly version: string;
  readonly init: Call;
  readonly release: Call;
  readonly archAdd: Call;
  readonly attrSet: Call;
  readonly ruleAddArray: Call;
  readonly exportBpf: Call;
  /** seccomp_arch_native(3): the token of this machine's architecture. */
  archNative(): number;
  /** The token of an architecture; undefined when this libseccomp does not know it. */
  resolveArch(name: string): number | undefined;
  /** A system call's number or, where the machine lacks it, a negative pseudo number; undefined when unknown. */
  resolveSyscall(name: string): number | undefined;
  /** Its number on an architecture; undefined when it has none there. */
  resolveSyscallOn(arch: number, name: string): number | undefined;
  /** The name of a system call of this machine's architecture; undefined when unknown. */
  nameOf(number: number): string | undefined;
}

/** seccomp.h */
export const SCMP_FLTATR_CTL_OPTIMIZE = 8;
const __NR_SCMP_ERROR = -1;

const SONAME = 'libseccomp.so.2';

let loaded: Libseccomp | undefined;

/** Throws TsociError when the library is not there. */
export function libseccomp(): Libseccomp {
  loaded ??= load();
  return loaded;
}

/** The same, or undefined: for `features`. */
export function tryLibseccomp(): Libseccomp | undefined {
  try {
    return libseccomp();
  } catch {
    return undefined;
  }
}

/** Where distributions install libraries (ld.so(8) would look there too). */
const directories = [
  process.arch === 'arm64' ? '/usr/lib/aarch64-linux-gnu' : '/usr/lib/x86_64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
];

/** The library that would be loaded: its path where it is in a usual place, else its name for the loader to find. */
function locate(): string {
  return directories.map((directory) => `${directory}/${SONAME}`).find((path) => existsSync(path)) ?? SONAME;
}

/**
 * What tells this libseccomp from any other, without loading it: a filter compiled by another may differ. Undefined
 * when the library is in no usual place.
 */
export function libseccompIdentity(): string | undefined {
  const path = locate();
  if (path === SONAME) return undefined;
  const { size, mtimeMs } = statSync(path);
  return `${realpathSync(path)} ${size} ${mtimeMs}`;
}

function load(): Libseccomp {
  let library: Library;
  try {
    library = openLibrary(locate());
  } catch (cause) {
    throw new TsociError(
      `load ${SONAME} for linux.seccomp: ${messageOf(cause)}; install the package libseccomp2 (Debian, Ubuntu) ` +
        'or libseccomp (Fedora, Alpine, Arch)',
      { cause },
    );
  }
  const int = (name: string) => library.int(`seccomp_${name}`);
  const archByName = int('arch_resolve_name');
  const archNative = int('arch_native');
  const byName = int('syscall_resolve_name');
  const byNameOn = int('syscall_resolve_name_arch');
  const byNumber = library.pointer('seccomp_syscall_resolve_num_arch');
  return {
    version: versionAt(library.pointer('seccomp_version')()),
    init: library.pointer('seccomp_init'),
    release: int('release'),
    archAdd: int('arch_add'),
    attrSet: int('attr_set'),
    ruleAddArray: int('rule_add_array'),
    exportBpf: int('export_bpf'),
    archNative: () => archNative() >>> 0,
    resolveArch: (name) => archByName(cString(name)) >>> 0 || undefined,
    resolveSyscall: (name) => {
      const number = byName(cString(name));
      return number === __NR_SCMP_ERROR ? undefined : number;
    },
    resolveSyscallOn: (arch, name) => {
      const number = byNameOn(arch, cString(name));
      return number < 0 ? undefined : number;
    },
    // The text is the caller's to free: one of a process that is about to end.
    nameOf: (number) => {
      const address = byNumber(archNative() >>> 0, number);
      return address === 0 ? undefined : readString(address);
    },
  };
}

/** struct scmp_version: major, minor, micro. */
function versionAt(address: number): string {
  const version = readBytes(address, 12);
  return [0, 4, 8].map((at) => version.readUInt32LE(at)).join('.');
}
