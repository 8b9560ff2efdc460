// `kill` where the processes of a container do not end with its init: it has no pid namespace of its own.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasEnded, processStat } from '../../src/linux/procfs.ts';
import { type Change, eventually, Sandbox } from './harness.ts';

const test = suite('kill');
const box = new Sandbox();

const without =
  (...types: string[]): Change =>
  ({ linux }) => {
    linux.namespaces = linux.namespaces?.filter(({ type }) => !types.includes(type)) ?? [];
  };

function lives(pid: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && !hasEnded(stat);
}

function pids(id: string, ...options: string[]): number[] {
  return JSON.parse(box.tsoci(...options, 'ps', '--format', 'json', id).stdout);
}

/** A container whose init has made a process, and into which another was executed; init first. */
function threeProcesses(id: string, change: Change, ...options: string[]): number[] {
  box.configure('sleep 1000 & while :; do sleep 0.05; done', change);
  assert.is(box.detached(...options, 'run', '--detach', id), 0);
  assert.is(box.detached(...options, 'exec', '--detach', id, 'sleep', '1001'), 0);
  const { pid } = box.state(id);
  const named =
    (...args: string[]) =>
    (member: number) => {
      try {
        return readFileSync(`/proc/${member}/cmdline`, 'utf8') === [...args, ''].join('\0');
      } catch {
        return false;
      }
    };
  let found: (number | undefined)[] = [];
  eventually('three processes', () => {
    const members = pids(id, ...options);
    found = [pid, members.find(named('sleep', '1000')), members.find(named('sleep', '1001'))];
    return !found.includes(undefined);
  });
  return found as number[];
}

const managers: [what: string, ...options: string[]][] = [
  ['in a cgroup'],
  ['without a cgroup', '--cgroup-manager', 'disabled'],
];
for (const [what, ...options] of managers) {
  // Seen: only init ended, and the engine that waits for the others waited for ever.
  test(`${what}: KILL ends all processes, another signal reaches init alone`, () => {
    const id = box.id();
    const [init = 0, child = 0, executed = 0] = threeProcesses(id, without('pid'), ...options);
    const asked = box.tsoci(...options, 'kill', id, 'USR1');
    assert.is(asked.status, 0, asked.stderr);
    eventually('init ends', () => !lives(init));
    assert.ok(lives(child) && lives(executed));
    for (const pid of [child, executed]) process.kill(pid, 'SIGKILL');
    assert.is(box.tsoci('delete', '--force', id).status, 0);

    const all = threeProcesses(id, without('pid'), ...options);
    const killed = box.tsoci(...options, 'kill', id, 'KILL');
    assert.is(killed.status, 0, killed.stderr);
    eventually('all have ended', () => !all.some(lives));
    assert.match(box.tsoci('kill', id, 'KILL').stderr, /the container is stopped/);
    assert.is(box.tsoci('delete', id).status, 0);
  });

  test(`${what}: --all reaches all processes`, () => {
    const id = box.id();
    const all = threeProcesses(id, without('pid'), ...options);
    assert.is(box.tsoci('kill', '--all', id, 'TERM').status, 0);
    eventually('all have ended', () => !all.some(lives));
    assert.is(box.tsoci('delete', id).status, 0);
  });

  test(`${what}: delete --force ends all processes`, () => {
    const id = box.id();
    const all = threeProcesses(id, without('pid'), ...options);
    assert.is(box.tsoci('delete', '--force', id).status, 0);
    eventually('all have ended', () => !all.some(lives));
  });
}

test('KILL ends what init has left behind, though the container is stopped', () => {
  const id = box.id();
  const [init = 0, ...others] = threeProcesses(id, without('pid'));
  process.kill(init, 'SIGKILL');
  eventually('it is stopped', () => box.state(id).status === 'stopped');
  assert.ok(others.every(lives));
  assert.match(box.tsoci('kill', id, 'TERM').stderr, /the container is stopped/);
  const { status, stderr } = box.tsoci('kill', id, 'KILL');
  assert.is(status, 0, stderr);
  eventually('all have ended', () => !others.some(lives));
  assert.is(box.tsoci('delete', id).status, 0);
});

test('a container without a cgroup and without namespaces of its own is its init', () => {
  const id = box.id();
  box.configure('sleep 1000', (config) => {
    config.mounts = [];
    delete config.hostname;
    config.linux = { namespaces: [{ type: 'ipc' }] };
  });
  assert.is(box.detached('--cgroup-manager', 'disabled', 'run', '--detach', id), 0);
  const { pid } = box.state(id);
  assert.equal(pids(id), [pid]);
  assert.is(box.tsoci('kill', id, 'KILL').status, 0);
  eventually('it has ended', () => !lives(pid));
  assert.is(box.tsoci('delete', id).status, 0);
});

test('nothing is left behind', () => {
  assert.equal(box.leftovers(), []);
});

test.after(() => box.close());
test.run();
