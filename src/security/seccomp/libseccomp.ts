// libseccomp (seccomp_init(3) and its neighbours), loaded when a config has a filter and at no other time.

import { existsSync, realpathSync, statSync } from 'node:fs';
import type { LibraryHandle } from 'koffi';
import { messageOf, TsociError } from '../../linux/errors.ts';
import { libc } from '../../linux/ffi.ts';
import { koffi } from '../../linux/koffi.ts';

type Pointer = number | bigint;
type Call<Result> = (...args: (number | bigint | string | Uint8Array)[]) => Result;

export interface Libseccomp {
  /** seccomp_version(3): "2.5.4". */
  readonly version: string;
  readonly init: Call<Pointer>;
  readonly release: Call<void>;
  readonly archAdd: Call<number>;
  readonly attrSet: Call<number>;
  readonly ruleAddArray: Call<number>;
  readonly exportBpf: Call<number>;
  /** seccomp_arch_native(3): the token of this machine's architecture. */
  archNative(): number;
  /** The token of an architecture; undefined when this libseccomp does not know it. */
  resolveArch(name: string): number | undefined;
  /** A system call's number or, where the machine lacks it, a negative pseudo number; undefined when unknown. */
  resolveSyscall(name: string): number | undefined;
  /** Its number on an architecture; undefined when it has none there. */
  resolveSyscallOn(arch: number, name: string): number | undefined;
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
  let library: LibraryHandle;
  try {
    library = koffi().load(locate());
  } catch (cause) {
    throw new TsociError(
      `load ${SONAME} for linux.seccomp: ${messageOf(cause)}; install the package libseccomp2 (Debian, Ubuntu) ` +
        'or libseccomp (Fedora, Alpine, Arch)',
      { cause },
    );
  }
  const bind = <Result>(name: string, result: string, ...types: string[]): Call<Result> =>
    library.func(`seccomp_${name}`, result, types) as Call<Result>;
  const archByName = bind<number>('arch_resolve_name', 'uint32_t', 'str');
  const byName = bind<number>('syscall_resolve_name', 'int', 'str');
  const byNameOn = bind<number>('syscall_resolve_name_arch', 'int', 'uint32_t', 'str');
  return {
    version: versionAt(bind<Pointer>('version', 'intptr_t')()),
    init: bind('init', 'intptr_t', 'uint32_t'),
    release: bind('release', 'void', 'intptr_t'),
    archAdd: bind('arch_add', 'int', 'intptr_t', 'uint32_t'),
    attrSet: bind('attr_set', 'int', 'intptr_t', 'int', 'uint32_t'),
    ruleAddArray: bind('rule_add_array', 'int', 'intptr_t', 'uint32_t', 'int', 'uint32_t', 'void *'),
    exportBpf: bind('export_bpf', 'int', 'intptr_t', 'int'),
    archNative: bind<number>('arch_native', 'uint32_t'),
    resolveArch: (name) => archByName(name) || undefined,
    resolveSyscall: (name) => {
      const number = byName(name);
      return number === __NR_SCMP_ERROR ? undefined : number;
    },
    resolveSyscallOn: (arch, name) => {
      const number = byNameOn(arch, name);
      return number < 0 ? undefined : number;
    },
  };
}

/** struct scmp_version: major, minor, micro. */
function versionAt(address: Pointer): string {
  const version = new Uint32Array(3);
  libc('memcpy', new Uint8Array(version.buffer), address, version.byteLength);
  return version.join('.');
}
