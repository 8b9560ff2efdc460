// As an ordinary user, without root anywhere: a second, real user of this machine (created if it is missing).

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/generated/types.ts';
import { eventually, Sandbox, tsociPath } from '../container/harness.ts';

const USER = 'tsocitest';
const test = suite('rootless');
const uid = process.getuid?.() === 0 ? ensureUser() : undefined;

if (uid === undefined) console.log('rootless: skipped, since only root can act as a second user');
else defineTests(uid);
test.run();

/** The uid of the second user, whose group has the same number. */
function ensureUser(): number | undefined {
  if (spawnSync('id', [USER]).status !== 0) spawnSync('useradd', ['--create-home', '--user-group', USER]);
  const { status, stdout } = spawnSync('id', ['-u', USER], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

/** The first subordinate id of a user (subuid(5)). */
function subordinate(file: string): number | undefined {
  const line = existsSync(file) && new RegExp(`^${USER}:(\\d+):`, 'm').exec(readFileSync(file, 'utf8'));
  return line ? Number(line[1]) : undefined;
}

function defineTests(user: number): void {
  const box = new Sandbox();
  const runtimeDirectory = join(box.directory, 'run');
  mkdirSync(runtimeDirectory);
  for (const path of [runtimeDirectory, box.bundle, box.rootfs]) chownSync(path, user, user);
  for (const name of readdirSync(box.rootfs)) chownSync(join(box.rootfs, name), user, user);

  /** A command of the user; no --root: the state goes where it does by default. */
  const tsoci = (...args: string[]) => asUser('pipe', ...args);
  const detached = (...args: string[]) => asUser('ignore', ...args).status;
  function asUser(output: 'pipe' | 'ignore', ...args: string[]) {
    const command = ['--reuid', USER, '--regid', USER, '--clear-groups', tsociPath, ...args];
    return spawnSync('setpriv', command, {
      encoding: 'utf8',
      cwd: box.bundle,
      env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtimeDirectory, USER },
      stdio: ['ignore', output, output],
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });
  }

  /** What `spec --rootless` writes, with a script in place of the shell. */
  function configure(script: string, change: (config: Config) => void = () => {}): void {
    const path = join(box.bundle, 'config.json');
    rmSync(path, { force: true });
    const { status, stderr } = tsoci('spec', '--rootless');
    assert.is(status, 0, stderr);
    const config = JSON.parse(readFileSync(path, 'utf8')) as Config;
    config.process = { cwd: '/', ...config.process, terminal: false, args: ['sh', '-c', script] };
    change(config);
    writeFileSync(path, JSON.stringify(config));
  }

  test('run of the demo bundle: no warning', () => {
    configure('id -u; echo $0');
    const { status, stdout, stderr } = tsoci('run', box.id());
    assert.is(stderr, '');
    assert.is(status, 0);
    assert.is(stdout, '0\nsh\n');
  });

  test('create, start, exec, kill, delete; the state is under XDG_RUNTIME_DIR', () => {
    const id = box.id();
    configure('sleep 1000');
    assert.is(detached('create', id), 0);
    assert.equal(readdirSync(join(runtimeDirectory, 'tsoci')), [id]);
    assert.is(tsoci('start', id).status, 0);
    const { status, stdout, stderr } = tsoci('exec', id, 'sh', '-c', 'id -u; cat /proc/self/uid_map');
    assert.is(stderr, '');
    assert.is(status, 0);
    assert.match(stdout, new RegExp(`^0\n\\s+0\\s+${user}\\s+1\n$`));
    assert.is(tsoci('kill', id, 'KILL').status, 0);
    eventually('stopped', () => JSON.parse(tsoci('state', id).stdout).status === 'stopped');
    assert.is(tsoci('delete', id).status, 0);
    assert.equal(readdirSync(join(runtimeDirectory, 'tsoci')), []);
  });

  test('the devices are those of the host', () => {
    configure('echo lost > /dev/null; stat -c "%F %t:%T" /dev/null /dev/zero; stat -c %u /dev/shm');
    const { status, stdout, stderr } = tsoci('run', box.id());
    assert.is(status, 0, stderr);
    assert.is(stdout, 'character special file 1:3\ncharacter special file 1:5\n0\n');
  });

  test('a terminal', () => {
    configure('tty; test -c /dev/console && echo console', (config) => {
      if (config.process) config.process.terminal = true;
    });
    const { status, stdout, stderr } = tsoci('run', box.id());
    assert.is(status, 0, stderr);
    assert.match(stdout, /^\/dev\/pts\/0\r\nconsole/);
  });

  test('many mappings, by newuidmap and newgidmap', () => {
    const [firstUid, firstGid] = [subordinate('/etc/subuid'), subordinate('/etc/subgid')];
    if (firstUid === undefined || firstGid === undefined || !existsSync('/usr/bin/newuidmap')) {
      console.log(`skipped: needs newuidmap, and ${USER} in /etc/subuid and /etc/subgid`);
      return;
    }
    const id = box.id();
    configure('id; sleep 1000', (config) => {
      const own = { containerID: 0, hostID: user, size: 1 };
      config.linux = {
        ...config.linux,
        uidMappings: [own, { containerID: 1, hostID: firstUid, size: 65_536 }],
        gidMappings: [own, { containerID: 1, hostID: firstGid, size: 65_536 }],
      };
      config.process = { cwd: '/', ...config.process, user: { uid: 1000, gid: 1000, additionalGids: [5] } };
    });
    assert.is(detached('run', '--detach', id), 0);
    const { pid } = JSON.parse(tsoci('state', id).stdout);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, new RegExp(`Uid:\t${firstUid + 999}\t`));
    assert.match(status, new RegExp(`Groups:\t${firstGid + 4} `));
    const exec = tsoci('exec', '--user', '7:8', id, 'sh', '-c', 'id -u; id -g');
    assert.is(exec.stdout, '7\n8\n', exec.stderr);
    assert.is(tsoci('delete', '--force', id).status, 0);
  });

  test('what the kernel refuses is said: mappings that are not the user’s', () => {
    configure('true', (config) => {
      config.linux = { ...config.linux, uidMappings: [{ containerID: 0, hostID: 0, size: 2 }] };
    });
    const { status, stderr } = tsoci('run', box.id());
    assert.is(status, 1);
    assert.match(stderr, /newuidmap/);
  });

  test('nothing is left behind', () => {
    assert.equal(readdirSync(join(runtimeDirectory, 'tsoci')), []);
    assert.equal(box.leftovers(), []);
  });

  test.after(() => {
    for (const id of readdirSync(join(runtimeDirectory, 'tsoci'))) tsoci('delete', '--force', id);
    box.close();
  });
}
