// Constants and numbers of system calls are those of the kernel's headers, on each architecture.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { definedValue, definitionsOf } from './uapi.ts';

const test = suite('the kernel’s headers');

/** Those of the C library, those that are macros with arguments, and those of the kernel that no header tells. */
const notThere = [
  ...['AF_INET', 'AF_NETLINK', 'AF_UNIX', 'MSG_CMSG_CLOEXEC', 'MSG_DONTWAIT', 'MSG_NOSIGNAL', 'SCM_RIGHTS'],
  ...['SOCK_CLOEXEC', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_SEQPACKET', 'SOCK_STREAM', 'ST_NOEXEC', 'ST_RDONLY'],
  ...['MNT_DETACH', 'UMOUNT_NOFOLLOW', 'X_OK', 'USER_NS_INIT_INO'],
  ...['NS_GET_NSTYPE', 'NS_GET_PARENT', 'NS_GET_USERNS', 'TIOCGPTPEER', 'TIOCSPTLCK'],
];
/** Those that the headers of Linux 6.1 do not have yet. */
const newer = ['MFD_EXEC', 'SO_PEERPIDFD'];

/** A module of numbers as it is on an architecture: it asks process.arch once, when it is loaded. */
async function onArchitecture(architecture: string, module: string): Promise<Record<string, unknown>> {
  const own = process.arch;
  Object.defineProperty(process, 'arch', { value: architecture });
  try {
    return await import(`../../src/linux/${module}.ts?${architecture}`);
  } finally {
    Object.defineProperty(process, 'arch', { value: own });
  }
}

for (const architecture of ['x64', 'arm64']) {
  const definitions = definitionsOf(architecture);
  if (!definitions) {
    console.log(`skip: no headers of ${architecture} (Debian: linux-libc-dev, linux-libc-dev-arm64-cross)`);
    continue;
  }

  test(`${architecture}: constants`, async () => {
    const constants = await onArchitecture(architecture, 'constants');
    const absent: string[] = [];
    for (const [name, value] of Object.entries(constants)) {
      const theirs = definedValue(definitions, name);
      if (theirs === undefined) absent.push(name);
      else assert.is(BigInt(value as number | bigint), theirs, name);
    }
    const compared = absent.filter((name) => !newer.includes(name)).sort();
    assert.equal(compared, notThere.toSorted());
  });

  test(`${architecture}: error numbers`, async () => {
    const { errnoMessages } = await onArchitecture(architecture, 'errno');
    const names = Object.entries(errnoMessages as Record<string, [name: string, message: string]>);
    for (const [number, [name]] of names) {
      const theirs = definedValue(definitions, name === 'ENOTSUP' ? 'EOPNOTSUPP' : name); // the C library's name
      assert.is(BigInt(number), theirs, name);
    }
  });

  test(`${architecture}: system calls`, async () => {
    const { SYS } = await onArchitecture(architecture, 'syscalls');
    for (const [name, number] of Object.entries(SYS as Record<string, number>))
      assert.is(BigInt(number), definedValue(definitions, `__NR_${name}`), name);
  });
}

test.run();
