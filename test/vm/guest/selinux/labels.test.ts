// Where SELinux enforces: labels of processes, mounts and keys, what they forbid, and labels that cannot be.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Change, EXEC_FAILED, eventually, Sandbox, userNamespace } from '../../../container/harness.ts';
import { run } from '../smoke.ts';

// Of the policy that test/vm/selinux/container.cil adds to Debian's. Labels of one container have its categories.
const LABEL = 'system_u:system_r:container_t:s0:c1,c2';
const FILES = 'system_u:object_r:container_file_t:s0:c1,c2';
const FILES_OF_ANOTHER = 'system_u:object_r:container_file_t:s0:c3,c4';
const UNKNOWN = 'system_u:object_r:no_such_type_t:s0';

const box = new Sandbox();
run('chcon', '--recursive', FILES, box.rootfs);
// Without an audit daemon the kernel's log gets the denials, and only a few in a time unless its limit is 0 (printk_ratelimit).
writeFileSync('/proc/sys/kernel/printk_ratelimit', '0');

const labelled: Change = ({ process, linux }) => {
  process.selinuxLabel = LABEL;
  linux.mountLabel = FILES;
};
const labelledAnd =
  (...changes: Change[]): Change =>
  (config) => {
    for (const change of [labelled, ...changes]) change(config);
  };

const read = (path: string) => readFileSync(path, 'utf8').replace(/\0?\n?$/, '');
const labelOf = (path: string) => run('stat', '--format=%C', path);
const processLabel = (pid: number | string) => read(`/proc/${pid}/attr/current`);

/** A file in the root filesystem of the containers. */
function addFile(name: string, label: string, text = 'text\n'): void {
  writeFileSync(join(box.rootfs, name), text);
  run('chcon', label, join(box.rootfs, name));
}

/** What a container that must fail says; nothing of it may be left. */
function failure(script: string, change: Change, ...options: string[]): string {
  box.configure(script, change);
  const { status, stdout, stderr } = box.tsoci('run', ...options, box.id());
  assert.is.not(status, 0, stderr);
  assert.is(stdout, '');
  assert.equal(box.leftovers(), []);
  return stderr;
}

test('this guest enforces a policy, and the tests are unconfined', () => {
  assert.is(run('getenforce'), 'Enforcing');
  assert.match(read('/sys/kernel/security/lsm'), /\bselinux\b/);
  assert.match(processLabel('self'), /^system_u:system_r:unconfined_t:/);
  assert.is(labelOf('/bin/bash'), 'system_u:object_r:shell_exec_t:s0');
});

test('process.selinuxLabel: init has it from execve on, and what exec starts', () => {
  const id = box.id();
  box.configure('sleep 1000', labelled);
  assert.is(box.detached('create', id), 0);
  const { pid } = box.state(id);
  assert.is(processLabel(pid), processLabel('self'), 'until then it is the runtime’s');
  assert.is(box.detached('start', id), 0);
  assert.is(processLabel(pid), LABEL);

  const show = ['cat', '/proc/self/attr/current'];
  const exec = (...options: string[]) =>
    box.tsoci('exec', ...options, id, ...show).stdout.replace(/\0?\n?$/, '');
  assert.is(exec(), LABEL);
  const other = LABEL.replace('c1,c2', 'c1,c2,c5');
  assert.is(exec('--process-label', other), other);

  const { status, stderr } = box.tsoci('exec', '--process-label', UNKNOWN, id, ...show);
  assert.is(status, EXEC_FAILED);
  assert.match(stderr, UNKNOWN);
  assert.match(stderr, '--process-label');
  assert.is(box.detached('delete', '--force', id), 0);
});

for (const [name, change] of Object.entries<Change>({
  'with no_new_privs': ({ process }) => {
    process.noNewPrivileges = true;
  },
  'without no_new_privs': ({ process }) => {
    process.noNewPrivileges = false;
  },
  'for a user': ({ process }) => {
    process.user = { uid: 1000, gid: 1000 };
  },
  'in a user namespace': userNamespace,
})) {
  test(`process.selinuxLabel ${name}`, () => {
    const output = box.run('cat /proc/self/attr/current', labelledAnd(change));
    assert.is(output.replace(/\0?\n?$/, ''), LABEL);
  });
}

test('linux.mountLabel: new filesystems have it as context=, those of the kernel have not', () => {
  const mounts = box.run('cat /proc/self/mountinfo', labelled).split('\n');
  const optionsOf = (path: string) => mounts.find((line) => line.split(' ')[4] === path) ?? `no ${path}`;
  for (const path of ['/dev', '/dev/pts', '/dev/shm']) assert.match(optionsOf(path), `context="${FILES}"`);
  for (const path of ['/proc', '/sys', '/dev/mqueue']) assert.not.match(optionsOf(path), 'context=');
});

test('linux.mountLabel: what the container finds and makes in its mounts is its own', () => {
  const id = box.id();
  box.configure('touch /dev/shm/file /dev/mqueue/queue /tmp/file && sleep 1000', labelled);
  assert.is(box.detached('run', '--detach', id), 0);
  const inside = `/proc/${box.state(id).pid}/root`;
  eventually('the last file', () => existsSync(`${inside}/tmp/file`));
  for (const path of ['/dev', '/dev/pts', '/dev/pts/ptmx', '/dev/mqueue'])
    assert.is(labelOf(inside + path), FILES, path);
  for (const path of ['/dev/shm/file', '/dev/mqueue/queue', '/tmp/file'])
    assert.is(labelOf(inside + path), FILES, path);
  assert.is(box.detached('delete', '--force', id), 0);
});

test('linux.mountLabel: the mqueue of the host keeps its label where the ipc namespace is the host’s', () => {
  const before = labelOf('/dev/mqueue');
  box.run(
    'true',
    labelledAnd(({ linux }) => {
      linux.namespaces = (linux.namespaces ?? []).filter(({ type }) => type !== 'ipc');
    }),
  );
  assert.is(labelOf('/dev/mqueue'), before);
});

test('linux.mountLabel: a filesystem that is the host’s, too, is as it was', () => {
  const type = 'securityfs';
  const before = labelOf('/sys/kernel/security');
  const script = 'grep securityfs /proc/self/mounts';
  const output = box.run(
    script,
    labelledAnd(({ mounts }) => {
      mounts?.push({ destination: '/mnt', type, source: type });
    }),
  );
  assert.not.match(output, 'context=');
  assert.is(labelOf('/sys/kernel/security'), before);
});

test('linux.mountLabel: an overlay as the root filesystem, and a long option beside a label with commas', () => {
  box.configure(
    'grep -E " (/|/mnt) " /proc/self/mounts; echo text >/file && cat /file',
    labelledAnd(({ mounts }) => {
      const layers = Array.from({ length: 30 }, (_, i) => join(box.directory, `layer-${i}`));
      for (const layer of layers) mkdirSync(layer);
      const options = [`lowerdir=${layers.join(':')}`];
      mounts?.push({ destination: '/mnt', type: 'overlay', source: 'overlay', options });
    }),
  );
  const { status, stdout, stderr } = box.tsoci('run', '--overlay', box.id());
  assert.is(status, 0, stderr);
  for (const place of ['/', '/mnt'])
    assert.match(stdout, new RegExp(`overlay ${place} .*context="${FILES}"`));
  assert.match(stdout, /^text$/m);
});

test('maskedPaths: a masked directory can be looked into, and is empty', () => {
  const output = box.run(
    'ls -A /proc/tty && echo empty',
    labelledAnd(({ linux }) => {
      linux.maskedPaths = ['/proc/tty'];
    }),
  );
  assert.is(output, 'empty\n');
});

test('the session keyring has the label of the process: the container sees it', () => {
  const output = box.run(
    'cat /proc/keys',
    labelledAnd(({ linux }) => {
      linux.maskedPaths = [];
    }),
  );
  assert.match(output, /_ses\./);
});

test('what the policy does not allow is denied, and the kernel’s log has it', () => {
  addFile('of-the-host', 'system_u:object_r:etc_t:s0');
  addFile('of-another', FILES_OF_ANOTHER);
  addFile('own', FILES);
  for (const name of ['of-the-host', 'of-another']) {
    const output = box.run(`cat /own; cat /${name} 2>&1; true`, labelled);
    assert.is(output, `text\ncat: can't open '/${name}': Permission denied\n`);
    assert.match(run('dmesg'), new RegExp(`avc: +denied .*name="${name}".*scontext=${LABEL} tcontext=`));
  }
});

test('a label that the policy does not have is an error that names it and its property', () => {
  const ofProcess: Change = ({ process }) => {
    process.selinuxLabel = UNKNOWN;
  };
  for (const options of [[], ['--no-new-keyring']]) {
    const text = failure('echo alive', ofProcess, ...options);
    for (const part of ['process.selinuxLabel', UNKNOWN, 'EINVAL']) assert.match(text, part);
  }
  const ofMounts: Change = ({ linux }) => {
    linux.mountLabel = UNKNOWN;
  };
  for (const options of [[], ['--overlay']]) {
    const text = failure('echo alive', ofMounts, ...options);
    for (const part of ['linux.mountLabel', UNKNOWN, 'EINVAL']) assert.match(text, part);
  }
});

test('a program that the label may not be entered by is an error, and the kernel’s log says why', () => {
  run('cp', join(box.rootfs, 'bin/busybox'), join(box.rootfs, 'program'));
  run('chcon', 'system_u:object_r:etc_t:s0', join(box.rootfs, 'program'));
  const text = failure(
    '',
    labelledAnd(({ process }) => {
      process.args = ['/program', 'true'];
    }),
  );
  for (const part of ['/program', 'EACCES']) assert.match(text, part);
  assert.match(run('dmesg'), /avc: +denied +\{ entrypoint \} .*path="\/program"/);
});

test('doctor and features say that SELinux is there', () => {
  assert.match(box.tsoci('doctor').stdout, /selinux/i);
  assert.is(JSON.parse(box.tsoci('features').stdout).linux.selinux.enabled, true);
});

test('nothing is left', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
