// Can this program be executed, and why not? The kernel answers execve(2) with one errno for much: ENOENT also for a loader
// that is missing, EACCES also for a mount without exec.

import { posix } from 'node:path';
import { EACCES, EIO, ELIBBAD, ELOOP, ENOENT, ENOEXEC } from '../linux/errno.ts';
import { hasInterpreter } from './binfmt.ts';
import { ET_CORE, ET_DYN, ET_EXEC, ET_REL, executed, isElf, machineName, parseElf } from './elf.ts';
import { kindOf, ownership } from './entry.ts';
import { type Files, type Found, find, type Refusal } from './files.ts';
import { mayExecute, type Person, personName } from './person.ts';

/** linux/binfmts.h: BINPRM_BUF_SIZE, what the kernel looks at of a file to see what it is. */
const BINPRM_BUF_SIZE = 256;
/** Bytes of the header of an ELF file of 64 bits, as much the kernel reads of a loader. */
const ELF_HEADER = 64;
/** fs/exec.c: as many interpreters of interpreters it follows. */
const MAX_INTERPRETERS = 5;

/** A program, and by whom it is to be executed. */
export interface Execution {
  files: Files;
  /** The working directory, for a path that is relative. */
  cwd: string;
  person: Person;
}

/** Why execve(2) of a path would fail; undefined if nothing is seen that would make it fail. */
export function whyNotExecutable(execution: Execution, path: string, depth = 0): Refusal | undefined {
  const { files, cwd, person } = execution;
  const found = find(files, posix.resolve(cwd, path), person);
  if (found === undefined || 'errno' in found) return found;
  const denied = whyDenied(found, person);
  if (denied) return denied;
  const head = files.read(found.path, 0, BINPRM_BUF_SIZE);
  if (head.length === 0) return { errno: ENOEXEC, reason: `${found.path} is empty` };
  if (isElf(head)) return whyNotElf(execution, found.path, head);
  if (hasInterpreter(found.path, head)) return undefined;
  if (head.toString('latin1', 0, 2) === '#!') return whyNotScript(execution, found.path, head, depth);
  return { errno: ENOEXEC, reason: `${found.path} ${formOf(head)}` };
}

function whyDenied({ path, entry }: Found, person: Person): Refusal | undefined {
  const kind = kindOf(entry);
  const denied = (reason: string): Refusal => ({ errno: EACCES, reason: `${path} ${reason}` });
  if (kind !== 'file') return { ...denied(`is a ${kind}, not a program`), obvious: kind === 'directory' };
  if (entry.noexec) return denied('is on a mount with the option noexec');
  if ((entry.mode & 0o111) === 0) return denied(`is not executable (${ownership(entry)}): chmod +x`);
  if (!mayExecute(entry, person))
    return denied(`may not be executed by ${personName(person)} (${ownership(entry)})`);
  return undefined;
}

/** execve(2), "Interpreter scripts". */
function whyNotScript(execution: Execution, path: string, head: Buffer, depth: number): Refusal | undefined {
  if (depth >= MAX_INTERPRETERS)
    return { errno: ELOOP, reason: `${path} is the interpreter of an interpreter, ${depth} times` };
  const [line = ''] = head.toString('latin1', 2).split('\n', 1);
  const [interpreter = ''] = line.replace(/^[ \t]+/, '').split(/[ \t\0]/, 1);
  if (interpreter === '')
    return { errno: ENOEXEC, reason: `the first line of ${path}, #!, names no interpreter` };
  const refusal = whyNotExecutable(execution, interpreter, depth + 1);
  if (!refusal) return undefined;
  const carriageReturn = interpreter.endsWith('\r')
    ? `the first line of ${path} ends in \\r\\n, as on Windows, so that the kernel looks for the interpreter ${JSON.stringify(interpreter)}: sed -i 's/\\r$//'`
    : `${path} needs the interpreter ${interpreter} (its first line, #!), and ${refusal.reason}`;
  return { errno: refusal.errno, reason: carriageReturn };
}

function whyNotElf(execution: Execution, path: string, head: Buffer): Refusal | undefined {
  const refused = (reason: string): Refusal => ({ errno: ENOEXEC, reason: `${path} ${reason}` });
  const elf = parseElf((position, length) => execution.files.read(path, position, length));
  if (!elf) return refused('is cut off or damaged: it has not all that its header tells of');
  const ours = executed[process.arch];
  if (ours && !ours.includes(elf.machine)) {
    if (hasInterpreter(path, head)) return undefined;
    const emulator = 'and no emulator is registered in binfmt_misc';
    return refused(`is for ${machineName(elf.machine)}, this machine is ${process.arch}, ${emulator}`);
  }
  if (elf.type === ET_REL) return refused('is an object file, to be linked first');
  if (elf.type === ET_CORE) return refused('is a core dump');
  if (elf.type !== ET_EXEC && elf.type !== ET_DYN) return refused(`has the unknown type ${elf.type}`);
  if (elf.interpreter === undefined) return undefined;
  return whyNotLoader(execution, path, elf.interpreter, elf.machine);
}

/** The loader of a program that is linked dynamically (ld.so(8)). */
function whyNotLoader(
  execution: Execution,
  path: string,
  loader: string,
  machine: number,
): Refusal | undefined {
  const { files, cwd, person } = execution;
  const needs = `${path} is linked dynamically and needs the loader ${loader}`;
  const found = find(files, posix.resolve(cwd, loader), person);
  if (found === undefined) return undefined;
  if ('errno' in found) {
    const advice = found.errno === ENOENT ? `; ${adviceFor(loader)}` : '';
    return { errno: found.errno, reason: `${needs}, and ${found.reason}${advice}` };
  }
  const denied = whyDenied(found, person);
  if (denied) return { errno: denied.errno, reason: `${needs}, and ${denied.reason}` };
  const head = files.read(found.path, 0, ELF_HEADER);
  if (head.length < ELF_HEADER)
    return { errno: EIO, reason: `${needs}, and ${found.path} is too short for one` };
  const own = isElf(head)
    ? parseElf((position, length) => files.read(found.path, position, length))
    : undefined;
  if (!own) return { errno: ELIBBAD, reason: `${needs}, and ${found.path} is none` };
  if (own.machine !== machine)
    return { errno: ELIBBAD, reason: `${needs}, and ${found.path} is for ${machineName(own.machine)}` };
  return undefined;
}

function adviceFor(loader: string): string {
  if (loader.includes('musl')) return 'it was built for musl (Alpine): install that, or link it statically';
  if (loader.startsWith('/nix/')) return 'it was built with Nix: mount /nix/store';
  return 'install the C library that it was linked with (glibc), or link it statically';
}

/** What a file is that the kernel knows no way to execute, by its first bytes. */
function formOf(head: Buffer): string {
  const text = head.toString('latin1');
  if (text.startsWith('\xef\xbb\xbf#!'))
    return 'begins with a byte order mark, which hides its #! from the kernel';
  if (/^\s+#!/.test(text)) return 'has something before its #!, which must be its first two bytes';
  const kind = Object.entries(forms).find(([magic]) => text.startsWith(magic))?.[1];
  if (kind) return `is ${kind}`;
  if (head.every((byte) => byte >= 0x20 || [0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte)))
    return 'is text without a #! line, which would name its interpreter';
  return 'is nothing that the kernel can execute';
}

const forms: Readonly<Record<string, string>> = {
  MZ: 'a program for Windows',
  '\xcf\xfa\xed\xfe': 'a program for macOS',
  '\xce\xfa\xed\xfe': 'a program for macOS',
  '\xca\xfe\xba\xbe': 'a program for macOS or a class of Java',
  'PK\x03\x04': 'an archive (zip, jar)',
  '\x1f\x8b': 'compressed (gzip)',
  '\x28\xb5\x2f\xfd': 'compressed (zstd)',
  '\xfd7zXZ': 'compressed (xz)',
  '!<arch>\n': 'an archive (ar: a static library, a package)',
  '\x00asm': 'a module of WebAssembly, for which no interpreter is registered in binfmt_misc',
};
