// What the kernel's headers define (Debian: linux-libc-dev, and linux-libc-dev-arm64-cross for the other architecture).

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';

/** Where the headers of each architecture are: on a machine of that architecture, or on another one. */
const places: Readonly<Record<string, readonly (readonly string[])[]>> = {
  x64: [['/usr/include/x86_64-linux-gnu', '/usr/include'], ['/usr/x86_64-linux-gnu/include']],
  arm64: [['/usr/include/aarch64-linux-gnu', '/usr/include'], ['/usr/aarch64-linux-gnu/include']],
};

/** Those of an architecture come before those for all: of two definitions, the first one holds. */
const headers = [
  ...['unistd_64', 'unistd', 'fcntl', 'ioctls', 'mman', 'poll', 'signal', 'socket', 'stat', 'errno'].map(
    (name) => `asm/${name}.h`,
  ),
  ...[
    'unistd',
    'fcntl',
    'ioctls',
    'mman',
    'mman-common',
    'poll',
    'signal',
    'signal-defs',
    'socket',
    'ioctl',
  ].map((name) => `asm-generic/${name}.h`),
  ...['errno', 'errno-base'].map((name) => `asm-generic/${name}.h`),
  ...[
    'capability',
    'close_range',
    'eventpoll',
    'falloc',
    'fcntl',
    'fs',
    'if',
    'ioprio',
    'keyctl',
    'limits',
    'magic',
  ].map((name) => `linux/${name}.h`),
  ...[
    'memfd',
    'mman',
    'mount',
    'net',
    'nsfs',
    'openat2',
    'prctl',
    'sched',
    'seccomp',
    'sockios',
    'stat',
    'wait',
  ].map((name) => `linux/${name}.h`),
];

/** The definitions of an architecture, by their names; undefined if its headers are not installed. */
export function definitionsOf(architecture: string): ReadonlyMap<string, string> | undefined {
  const place = places[architecture]?.find(([first = '']) => existsSync(join(first, 'asm/unistd.h')));
  if (!place) return undefined;
  const definitions = new Map<string, string>();
  for (const header of headers) {
    const path = place.map((directory) => join(directory, header)).find((each) => existsSync(each));
    if (path === undefined) continue;
    const text = readFileSync(path, 'utf8')
      .replace(/\/\*.*?\*\//gs, '')
      .replaceAll('\\\n', ' ');
    // Of a macro, and of an enum, whose names may be macros that stand for themselves.
    const found = text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(.+)$|^\s+(\w+)\s*=\s*([^,\n]+),/gm);
    for (const [, macro, body, enumerator, number] of found) {
      const [name, value] = [macro ?? enumerator ?? '', (body ?? number ?? '').trim()];
      if (name !== value && !definitions.has(name)) definitions.set(name, value);
    }
  }
  return definitions;
}

/** The value of a definition; undefined if there is none of that name, or one that is no integer. */
export function definedValue(definitions: ReadonlyMap<string, string>, name: string): bigint | undefined {
  const expression = expand(definitions, name);
  return expression === undefined ? undefined : BigInt(runInNewContext(expression));
}

/** The expression of JavaScript that a definition of C is, without casts, and with values in place of names. */
function expand(definitions: ReadonlyMap<string, string>, name: string): string | undefined {
  const text = definitions.get(name)?.replace(/\(__\w+\)/g, '');
  if (text === undefined || !/^[\w\s()|~+<-]+$/.test(text)) return undefined;
  let isKnown = true;
  const expression = text.replace(/\w+/g, (word) => {
    const digits = /^(0x[\da-f]+|\d+)[ul]*$/i.exec(word)?.[1];
    if (digits !== undefined) return `${digits.replace(/^0(?=\d)/, '0o')}n`;
    const value = expand(definitions, word);
    isKnown &&= value !== undefined;
    return `(${value})`;
  });
  return isKnown ? expression : undefined;
}
