// What `npm run build -- --target …` has made for other machines than this one.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addon, files, launcher, runtime } from '../../scripts/executable/files.ts';
import { root } from '../../scripts/repository.ts';

const test = suite('cli: targets');

/** elf(5): e_machine. */
const [EM_X86_64, EM_AARCH64] = [62, 183];
const MACHINE = 18;

const targets = [
  { name: 'linux-x64-musl', machine: EM_X86_64, interpreter: '/lib/ld-musl-x86_64.so.1' },
  { name: 'linux-arm64', machine: EM_AARCH64, interpreter: '/lib/ld-linux-aarch64.so.1' },
  { name: 'linux-arm64-musl', machine: EM_AARCH64, interpreter: '/lib/ld-musl-aarch64.so.1' },
];

for (const { name, machine, interpreter } of targets) {
  const directory = join(root, 'dist', name);
  if (!existsSync(join(directory, launcher))) {
    console.log(`skip: there is no dist/${name}: npm run build -- --target ${name}`);
    continue;
  }
  test(`${name}: all files are for that machine, the runtime for that C library`, () => {
    for (const file of files)
      assert.is(readFileSync(join(directory, file)).readUInt16LE(MACHINE), machine, file);
    const start = readFileSync(join(directory, runtime)).toString('latin1', 0, 4096);
    assert.ok(start.includes(`${interpreter}\0`));
  });
}

const QEMU = '/usr/bin/qemu-aarch64-static';
/** Where Debian's libc6-arm64-cross is. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const arm64 = join(root, 'dist', 'linux-arm64');
if (process.arch === 'arm64' || ![QEMU, LIBRARIES, arm64].every((path) => existsSync(path))) {
  console.log(
    `skip: running linux-arm64 here takes ${QEMU}, ${LIBRARIES} (libc6-arm64-cross) and dist/linux-arm64`,
  );
} else {
  test('linux-arm64: launcher, runtime and addon do, as far as they can be emulated', () => {
    const directory = mkdtempSync(join(tmpdir(), 'targets-'));
    try {
      for (const file of [launcher, addon]) copyFileSync(join(arm64, file), join(directory, file));
      copyFileSync(join(arm64, runtime), join(directory, 'emulated'));
      // What the launcher executes is executed by this machine's kernel.
      const script = `#!/bin/sh\nexec ${QEMU} -L ${LIBRARIES} ${join(directory, 'emulated')}\n`;
      writeFileSync(join(directory, `${runtime}.next`), script, { mode: 0o755 });
      renameSync(join(directory, `${runtime}.next`), join(directory, runtime));
      const run = (...args: string[]) => {
        const words = [join(directory, launcher), '--root', join(directory, 'state'), ...args];
        return spawnSync(QEMU, words, { encoding: 'utf8', timeout: 60_000 });
      };
      assert.match(run('--version').stdout, /^tsoci version /);
      mkdirSync(join(directory, 'state'));
      const list = run('list', '--quiet');
      assert.equal([list.status, list.stdout, list.stderr], [0, '', '']);
      const state = run('state', 'none');
      assert.equal([state.status, state.stderr], [1, 'tsoci: container none does not exist\n']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test.run();
