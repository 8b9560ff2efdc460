// Why a program cannot be executed: each reason by itself, and as create, start, exec and hooks tell it.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { anybody, type Person } from '../../src/diagnosis/person.ts';
import { whyNotExecutable } from '../../src/diagnosis/program.ts';
import { RootedFiles } from '../../src/diagnosis/rooted-files.ts';
import { EACCES, EIO, ELIBBAD, ELOOP, ENOENT, ENOEXEC, ENOTDIR } from '../../src/linux/errno.ts';
import { ET_REL, elf, otherMachine, Root } from './fixtures.ts';

const test = suite('why a program cannot be executed');
const root = new Root();
const host: Person = { ids: { uid: 0, gid: 0, groups: [] }, overrides: true };
const user: Person = { ids: { uid: 1000, gid: 1000, groups: [7] }, overrides: false };

root.put('bin/static', elf());
root.put('bin/sh', elf());
root.put('bin/script', '#!/bin/sh -e\n');
root.put('bin/dynamic', elf({ loader: '/lib64/ld-linux-x86-64.so.2' }));
root.put('bin/musl', elf({ loader: '/lib/ld-musl-x86_64.so.1' }));
root.put('bin/nix', elf({ loader: '/nix/store/x/lib/ld.so' }));
root.directory('nix');
root.put('lib/loader-text', 'text\n'.repeat(20));
root.put('lib/loader-short', 'text');
root.put('lib/loader-other', elf({ machine: otherMachine }));
root.put('lib/loader-closed', elf(), 0o644);
root.put('bin/loader-text', elf({ loader: '/lib/loader-text' }));
root.put('bin/loader-short', elf({ loader: '/lib/loader-short' }));
root.put('bin/loader-other', elf({ loader: '/lib/loader-other' }));
root.put('bin/loader-closed', elf({ loader: '/lib/loader-closed' }));
root.put('bin/other', elf({ machine: otherMachine }));
root.put('bin/object', elf({ type: ET_REL }));
root.put('bin/cut', elf({ loader: '/lib/loader' }).subarray(0, 80));
root.put('bin/many-headers', withHeaders(65_535, 56));
root.put('bin/odd-headers', withHeaders(1, 57));
root.put('bin/crlf', '#!/bin/sh\r\necho\r\n');
root.put('bin/no-interpreter', '#!/bin/bash\n');
root.put('bin/interpreter-closed', '#!/lib/loader-closed\n');
root.put('bin/interpreter-script', '#!/bin/no-interpreter\n');
root.put('bin/itself', '#!/bin/itself\n');
root.put('bin/nothing-named', '#! \n');
root.put('bin/no-first-line', 'echo hello\n');
root.put('bin/bom', '\ufeff#!/bin/sh\n');
root.put('bin/blank', '\n#!/bin/sh\n');
root.put('bin/windows', 'MZ\x90\0');
root.put('bin/bytes', Buffer.from([1, 2, 3, 0]));
root.put('bin/empty', '');
root.put('bin/closed', elf(), 0o644);
root.put('bin/owner-only', elf(), 0o700);
root.put('bin/group-only', elf(), 0o710);
root.directory('private', 0o700);
root.put('private/program', elf());
root.directory('private', 0o700);
root.link('bin/dangling', '/opt/app');
root.link('bin/relative', '../opt/app');
root.link('bin/outwards', '../../../../../../../usr/bin/env');
root.link('bin/absolute', '/bin/static');
root.link('bin/around', 'round');
root.link('bin/round', 'around');
root.link('usr', '.');
spawnSync('mkfifo', [join(root.path, 'bin/fifo')]);
root.put('bin/fifo-interpreter', '#!/bin/fifo\n');
spawnSync('mknod', [join(root.path, 'bin/device'), 'c', '1', '5']);

/** A program that is as large as its header tells of program headers. */
function withHeaders(count: number, size: number): Buffer {
  const program = elf();
  program.writeUInt16LE(size, 54);
  program.writeUInt16LE(count, 56);
  return Buffer.concat([program, Buffer.alloc(count * size)]);
}

const refusals: [path: string, errno: number, reason: RegExp, person?: Person][] = [
  [
    '/bin/dynamic',
    ENOENT,
    /needs the loader \/lib64\/ld-linux-x86-64\.so\.2, and \/lib64 does not exist; .*glibc/,
  ],
  ['/bin/musl', ENOENT, /the loader \/lib\/ld-musl-x86_64\.so\.1, and \/lib\/ld-\S+ does not exist; .*musl/],
  [
    '/bin/nix',
    ENOENT,
    /\/nix\/store does not exist; \/nix is empty: is a mount missing\?; .*mount \/nix\/store/,
  ],
  ['/bin/loader-text', ELIBBAD, /loader \/lib\/loader-text, and \/lib\/loader-text is none/],
  ['/bin/loader-short', EIO, /and \/lib\/loader-short is too short/],
  ['/bin/loader-other', ELIBBAD, /and \/lib\/loader-other is for (arm64|x86-64)/],
  ['/bin/loader-closed', EACCES, /and \/lib\/loader-closed is not executable \(mode 0644/],
  ['/bin/other', ENOEXEC, /\/bin\/other is for (arm64|x86-64), this machine is (x64|arm64)/],
  ['/bin/object', ENOEXEC, /is an object file/],
  ['/bin/cut', ENOEXEC, /is cut off/],
  ['/bin/many-headers', ENOEXEC, /is cut off or damaged/],
  ['/bin/odd-headers', ENOEXEC, /is cut off or damaged/],
  ['/bin/crlf', ENOENT, /first line of \/bin\/crlf ends in \\r\\n.*interpreter "\/bin\/sh\\r"/],
  ['/bin/no-interpreter', ENOENT, /needs the interpreter \/bin\/bash .*, and \/bin\/bash does not exist/],
  ['/bin/interpreter-closed', EACCES, /\/lib\/loader-closed is not executable/],
  [
    '/bin/interpreter-script',
    ENOENT,
    /the interpreter \/bin\/no-interpreter .* needs the interpreter \/bin\/bash/,
  ],
  ['/bin/itself', ELOOP, /is the interpreter of an interpreter/],
  ['/bin/nothing-named', ENOEXEC, /names no interpreter/],
  ['/bin/no-first-line', ENOEXEC, /is text without a #! line/],
  ['/bin/bom', ENOEXEC, /byte order mark/],
  ['/bin/blank', ENOEXEC, /something before its #!/],
  ['/bin/windows', ENOEXEC, /is a program for Windows/],
  ['/bin/bytes', ENOEXEC, /nothing that the kernel can execute/],
  ['/bin/empty', ENOEXEC, /\/bin\/empty is empty/],
  ['/bin/closed', EACCES, /is not executable \(mode 0644, owner 0:0\)/],
  ['/bin/owner-only', EACCES, /may not be executed by user 1000 \(mode 0700/, user],
  ['/private/program', EACCES, /user 1000 may not enter \/private \(mode 0700/, user],
  ['/bin/dangling', ENOENT, /\/bin\/dangling is a symlink to \/opt\/app, and \/opt does not exist/],
  ['/bin/relative', ENOENT, /\/bin\/relative is a symlink to \.\.\/opt\/app, and \/opt does not exist/],
  ['/bin/outwards', ENOENT, /and \/bin\/env does not exist$/],
  ['/usr/bin/nothing', ENOENT, /^\/bin\/nothing does not exist$/],
  ['/bin/around', ELOOP, /symlinks that lead in a circle/],
  ['/bin/static/below', ENOTDIR, /\/bin\/static is a file, not a directory/],
  ['/bin', EACCES, /is a directory/],
  ['/bin/fifo', EACCES, /is a FIFO/],
  ['/bin/fifo-interpreter', EACCES, /\/bin\/fifo is a FIFO/],
  ['/bin/device', EACCES, /is a device/],
];

for (const [path, errno, reason, person = host] of refusals) {
  test(path, () => {
    using files = new RootedFiles(root.path);
    const refusal = whyNotExecutable({ files, cwd: '/', person }, path);
    assert.is(refusal?.errno, errno, refusal?.reason);
    assert.match(refusal?.reason ?? '', reason);
  });
}

test('what can be executed, and by whom', () => {
  using files = new RootedFiles(root.path);
  const works = (path: string, person: Person, cwd = '/') =>
    assert.is(whyNotExecutable({ files, cwd, person }, path), undefined, path);
  for (const path of ['/bin/static', '/bin/script', '/bin/absolute', '/usr/bin/static', '/bin/../bin/sh'])
    works(path, user);
  works('bin/static', user);
  works('./static', user, '/bin');
  works('/bin/owner-only', host);
  works('/private/program', host);
  works('/bin/owner-only', anybody);
  works('/bin/group-only', { ids: { uid: 1000, gid: 5, groups: [0] }, overrides: false });
});

test('the kernel answers execve with these errnos', () => {
  // By chroot(2), as root: the same paths, the same answers.
  const script = `
    import ctypes, os, sys
    libc = ctypes.CDLL(None, use_errno=True)
    os.chroot(sys.argv[1]); os.chdir('/')
    for path in sys.argv[2:]:
      libc.execve(path.encode(), (ctypes.c_char_p * 2)(path.encode(), None), (ctypes.c_char_p * 1)(None))
      print(path, ctypes.get_errno())`;
  const paths = refusals.filter(([, , , person]) => !person).map(([path]) => path);
  const unindented = script.replaceAll('\n    ', '\n');
  const { error, stdout, stderr, status } = spawnSync('python3', ['-c', unindented, root.path, ...paths], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  // Without python3 there is no output at all, not even an empty one.
  const reason = error?.message ?? stderr.trim().split('\n').at(-1);
  if (status !== 0) return console.log(`skip: python3 with chroot(2): ${reason}`);
  const told = refusals.filter(([, , , person]) => !person).map(([path, errno]) => `${path} ${errno}\n`);
  assert.is(stdout, told.join(''));
});

test.after(() => root.remove());
test.run();
