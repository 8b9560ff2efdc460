// config-linux.md, as facets: namespaces and what is in them, cgroup, devices, filters.

import { type ChildProcess, spawn } from 'node:child_process';
import { readlinkSync, statSync } from 'node:fs';
import { eventually } from '../../container/harness.ts';
import { holds, same } from '../properties.ts';
import { type Drawn, type Facet, hasUsers } from './facet.ts';

type NamespaceType = 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'cgroup' | 'time' | 'user';

/** As /proc/PID/ns names them. */
const links: Readonly<Record<NamespaceType, string>> = {
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  mount: 'mnt',
  cgroup: 'cgroup',
  time: 'time',
  user: 'user',
};

function has({ linux }: Drawn, type: NamespaceType): boolean {
  return linux.namespaces?.some((namespace) => namespace.type === type) ?? false;
}

function add(config: Drawn, type: NamespaceType): void {
  if (!has(config, type)) config.linux.namespaces?.push({ type });
}

/** First of all: others go by it. */
const userNamespace: Facet = {
  name: 'linux.uidMappings',
  draw(random, config) {
    add(config, 'user');
    // 1,000 ids in up to three pieces.
    const mappings = () => {
      const ends = [...new Set([...random.some([1, 5, 100, 700]), 1000])].sort((a, b) => a - b);
      let containerID = 0;
      return ends.map((end) => {
        const hostID = 100_000 + random.below(1000) * 2000 + containerID;
        const mapping = { containerID, hostID, size: end - containerID };
        containerID = end;
        return mapping;
      });
    };
    const disjoint = (list: ReturnType<typeof mappings>) =>
      list.map((mapping, i) => ({ ...mapping, hostID: mapping.hostID + i * 10_000_000 }));
    config.linux.uidMappings = disjoint(mappings());
    config.linux.gidMappings = disjoint(mappings());
    return (seen) => {
      for (const [file, list] of [
        ['uid_map', config.linux.uidMappings],
        ['gid_map', config.linux.gidMappings],
      ] as const)
        same(
          seen
            .file(file)
            .trim()
            .split('\n')
            .map((line) => line.trim().split(/\s+/).map(Number)),
          list?.map(({ containerID, hostID, size }) => [containerID, hostID, size]),
          file,
        );
    };
  },
};

const namespaces: Facet = {
  name: 'linux.namespaces',
  draw(random, config) {
    if (random.chance(50)) add(config, 'time');
    const kept = random.chance(50) ? 'cgroup' : undefined;
    config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== kept) ?? [];
    return (seen) => {
      for (const [type, link] of Object.entries(links) as [NamespaceType, string][]) {
        const same = seen.link(`ns/${link}`) === readlinkSync(`/proc/self/ns/${link}`);
        holds(same !== has(config, type), `the ${type} namespace is ${same ? 'ours' : 'another one'}`);
      }
    };
  },
};

/** A process with namespaces of its own, which lives as long as we do. */
let neighbour: ChildProcess | undefined;
const joinable = ['uts', 'ipc', 'network', 'cgroup'] as const;

function neighboursNamespace(type: NamespaceType): string {
  if (!neighbour) {
    const words = ['--uts', '--ipc', '--net', '--cgroup', '--kill-child', '--fork', 'sleep', '3600'];
    neighbour = spawn('unshare', words, { stdio: 'ignore' });
    neighbour.unref();
    const { pid } = neighbour;
    process.on('exit', () => neighbour?.kill('SIGKILL'));
    eventually('namespaces of another process', () =>
      ['uts', 'cgroup'].every(
        (link) => readlinkSync(`/proc/${pid}/ns/${link}`) !== readlinkSync(`/proc/self/ns/${link}`),
      ),
    );
  }
  return `/proc/${neighbour.pid}/ns/${links[type]}`;
}

const namespacePaths: Facet = {
  name: 'linux.namespaces[].path',
  draw(random, config) {
    // What belongs to others cannot be set from a user namespace.
    const joined = hasUsers(config) ? [] : random.some(joinable);
    config.linux.namespaces = (config.linux.namespaces ?? []).map((namespace) => {
      const type = joined.find((each) => each === namespace.type);
      return type ? { type, path: neighboursNamespace(type) } : namespace;
    });
    return (seen) => {
      for (const type of joined.filter((each) => has(config, each)))
        same(
          seen.link(`ns/${links[type]}`),
          readlinkSync(neighboursNamespace(type)),
          `the ${type} namespace`,
        );
    };
  },
};

const hostname: Facet = {
  name: 'hostname',
  draw(random, config) {
    config.hostname = random.pick(['h', 'a.b-c', 'x'.repeat(64), 'ümläut', '1']);
    config.domainname = random.pick(['d', 'example.org', 'y'.repeat(64), '(none)']);
    return (seen) => {
      const read = ['cat', '/proc/sys/kernel/hostname', '/proc/sys/kernel/domainname'];
      same(seen.inside(['-u'], ...read).split('\n'), [config.hostname, config.domainname], 'the names');
    };
  },
};

const sysctl: Facet = {
  name: 'linux.sysctl',
  draw(random, config) {
    const possible: Record<string, readonly string[]> = {
      'kernel.shmmax': ['1', '4294967296'],
      'kernel.shm_rmid_forced': ['0', '1'],
      'kernel.msgmax': ['8192', '65536'],
      'kernel.sem': ['250 32000 100 128', '100\t1000\t10\t64'],
      'fs.mqueue.msg_max': ['10', '100'],
      'net.ipv4.ip_forward': ['0', '1'],
      'net.core.somaxconn': ['128', '65535'],
      'net.ipv4.conf.default.rp_filter': ['0', '1', '2'],
      'net/ipv4/conf/all/log_martians': ['1'],
    };
    const names = random.some(Object.keys(possible)).filter((name) => possible[name]?.length);
    const values = Object.fromEntries(names.map((name) => [name, random.pick(possible[name] ?? [])]));
    config.linux.sysctl = values;
    return (seen) => {
      for (const [name, value] of Object.entries(values)) {
        const path = `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`;
        const found = seen.inside(['-u', '-i', '-n'], 'cat', path);
        same(found.split(/\s+/), value.split(/\s+/), name);
      }
    };
  },
};

const timeOffsets: Facet = {
  name: 'linux.timeOffsets',
  draw(random, config) {
    add(config, 'time');
    const offset = () => ({ secs: random.between(-1000, 1_000_000), nanosecs: random.below(1e9) });
    const offsets = { monotonic: offset(), boottime: offset() };
    if (random.chance(30)) config.linux.timeOffsets = { boottime: offsets.boottime };
    else config.linux.timeOffsets = offsets;
    return (seen) => {
      const lines = seen
        .file('timens_offsets')
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/));
      const found = Object.fromEntries(
        lines.map(([clock, secs, nanosecs]) => [clock, { secs: Number(secs), nanosecs: Number(nanosecs) }]),
      );
      const none = { secs: 0, nanosecs: 0 };
      same(found, { monotonic: none, boottime: none, ...config.linux.timeOffsets }, 'timens_offsets');
    };
  },
};

const personality: Facet = {
  name: 'linux.personality',
  draw(random, config) {
    const domains = { LINUX: 0, LINUX32: 8 } as const;
    const domain = random.pick(Object.keys(domains) as (keyof typeof domains)[]);
    config.linux.personality = { domain };
    return (seen) => same(Number.parseInt(seen.file('personality'), 16), domains[domain], 'personality');
  },
};

const cgroupsPath: Facet = {
  name: 'linux.cgroupsPath',
  draw(random, config) {
    const path = `/tsoci-fuzz-${process.pid}/${random.pick(['a', 'a/b.c', 'ü', 'x y'])}-${random.below(1e6)}`;
    config.linux.cgroupsPath = path;
    return (seen) => {
      const line = seen
        .file('cgroup')
        .split('\n')
        .find((each) => each.startsWith('0::'));
      same(line, `0::${path}`, 'cgroup');
    };
  },
};

const seccomp: Facet = {
  name: 'linux.seccomp',
  draw(random, config) {
    const names = random.some(['mkdir', 'mkdirat', 'swapon', 'reboot', 'kexec_load', 'no_such_call'], 60);
    config.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls:
        names.length > 0 ? [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: random.between(1, 100) }] : [],
    };
    return (seen) => same(seen.numbers('Seccomp_filters'), [1], 'Seccomp_filters');
  },
};

const devices: Facet = {
  name: 'linux.devices',
  draw(random, config) {
    const [major, minor] = random.pick([
      [1, 3],
      [1, 5],
      [1, 7],
    ] as const);
    const [uid, gid] = [random.pick([0, 7, 999]), random.pick([0, 5, 999])];
    const fileMode = random.below(0o1000);
    const path = random.pick(['/dev/fuzzed', '/dev/a/b/c', '/dev/ü x']);
    config.linux.devices = [{ path, type: 'c', major, minor, uid, gid, fileMode }];
    return (seen) => {
      const found = statSync(`/proc/${seen.pid}/root${path}`);
      same([Number(BigInt(found.rdev) >> 8n), found.rdev & 0xff], [major, minor], 'the device');
      // In a user namespace it is the host's own.
      if (hasUsers(config)) return;
      same(
        [found.mode & 0o7777, found.uid, found.gid],
        [fileMode, uid, gid],
        'mode and owners of the device',
      );
    };
  },
};

export const linuxFacets: readonly Facet[] = [
  userNamespace,
  namespaces,
  namespacePaths,
  hostname,
  sysctl,
  timeOffsets,
  personality,
  cgroupsPath,
  seccomp,
  devices,
];
