// config.md#mounts and config-linux.md of what is mounted, as facets.

import { holds, same } from '../properties.ts';
import type { Facet } from './facet.ts';

/** Options of a mount, and what mountinfo shows of them. Of several of one group the last counts. */
const groups: readonly (readonly (readonly [option: string, shown: string, hidden: string])[])[] = [
  [
    ['ro', 'ro', 'rw'],
    ['rw', 'rw', 'ro'],
  ],
  [
    ['nosuid', 'nosuid', ''],
    ['suid', '', 'nosuid'],
  ],
  [
    ['nodev', 'nodev', ''],
    ['dev', '', 'nodev'],
  ],
  [
    ['noexec', 'noexec', ''],
    ['exec', '', 'noexec'],
  ],
  [
    ['noatime', 'noatime', 'relatime'],
    ['relatime', 'relatime', 'noatime'],
    ['strictatime', '', 'relatime'],
  ],
  [
    ['nodiratime', 'nodiratime', ''],
    ['diratime', '', 'nodiratime'],
  ],
  [
    ['nosymfollow', 'nosymfollow', ''],
    ['symfollow', '', 'nosymfollow'],
  ],
];

const propagations = {
  private: /^$/,
  shared: /^shared:\d+$/,
  slave: /^$|^master:\d+/,
  unbindable: /^unbindable$/,
} as const;
type Propagation = keyof typeof propagations;
const propagationNames = Object.keys(propagations) as Propagation[];

const mounts: Facet = {
  name: 'mounts',
  draw(random, config) {
    const destination = random.pick(['/tmp', '/mnt/new/place', '/root', '/mnt/ü x', '/tmp/../tmp']);
    const chosen = random.some(groups, 60).map((group) => random.some(group, 70));
    const propagation = random.chance(40) ? random.pick(propagationNames) : undefined;
    const options = [...chosen.flat().map(([option]) => option), ...(propagation ? [propagation] : [])];
    const bind = random.chance(50);
    if (bind) config.mounts.push({ destination, source: '/etc', options: ['rbind', ...options] });
    else {
      const data = ['size=64k', 'mode=1750'];
      config.mounts.push({ destination, type: 'tmpfs', source: 'x', options: [...options, ...data] });
    }
    return (seen) => {
      const mount = seen.mount(destination === '/tmp/../tmp' ? '/tmp' : destination);
      if (!mount) throw new Error(`nothing is mounted on ${destination}`);
      for (const group of chosen) {
        const last = group.at(-1);
        if (!last) continue;
        const [option, shown, hidden] = last;
        holds(shown === '' || mount.options.includes(shown), `${option}: ${mount.options}`);
        holds(hidden === '' || !mount.options.includes(hidden), `${option}: ${mount.options}`);
      }
      if (propagation)
        holds(
          propagations[propagation].test(mount.propagation.join(' ')),
          `${propagation}: ${mount.propagation}`,
        );
      if (bind) return same(mount.root.endsWith('/etc') || mount.root === '/', true, 'what is bound');
      same([mount.type, mount.source], ['tmpfs', 'x'], 'type and source');
      for (const shown of ['size=64k', 'mode=1750'])
        holds(mount.superblock.includes(shown), `${shown}: ${mount.superblock}`);
    };
  },
};

const rootReadonly: Facet = {
  name: 'root.readonly',
  draw(random, { root }) {
    root.readonly = random.chance(50);
    return (seen) => same(seen.mount('/')?.options[0], root.readonly ? 'ro' : 'rw', 'the root');
  },
};

const rootfsPropagation: Facet = {
  name: 'linux.rootfsPropagation',
  draw(random, { linux }) {
    const propagation = random.pick(['private', 'shared', 'slave', 'unbindable'] as const);
    linux.rootfsPropagation = propagation;
    return (seen) => {
      const found = seen.mount('/')?.propagation.join(' ') ?? '';
      holds(propagations[propagation].test(found), `${propagation}: ${found}`);
    };
  },
};

const maskedPaths: Facet = {
  name: 'linux.maskedPaths',
  draw(random, { linux }) {
    const files = random.some(['/proc/version', '/etc/passwd', '/proc/cpuinfo']);
    const directories = random.some(['/proc/bus', '/etc', '/sys/kernel', '/proc/fs']);
    const missing = random.some(['/no/such', '/proc/none']);
    linux.maskedPaths = [...files, ...directories, ...missing];
    return (seen) => {
      const hidden = (path: string) => directories.some((above) => path.startsWith(`${above}/`));
      for (const path of directories) {
        const mount = seen.mount(path);
        same([mount?.type, mount?.options[0]], ['tmpfs', 'ro'], path);
      }
      for (const path of files.filter((file) => !hidden(file))) same(seen.mount(path)?.root, '/null', path);
      for (const path of missing) same(seen.mount(path), undefined, path);
    };
  },
};

const readonlyPaths: Facet = {
  name: 'linux.readonlyPaths',
  draw(random, { linux }) {
    const paths = random.some(['/bin', '/proc/sys', '/dev/shm', '/proc/uptime', '/etc']);
    const missing = random.some(['/no/such']);
    linux.readonlyPaths = [...paths, ...missing];
    return (seen) => {
      for (const path of paths)
        if (!linux.maskedPaths?.includes(path)) same(seen.mount(path)?.options[0], 'ro', path);
      for (const path of missing) same(seen.mount(path), undefined, path);
    };
  },
};

export const mountFacets: readonly Facet[] = [
  mounts,
  rootReadonly,
  rootfsPropagation,
  maskedPaths,
  readonlyPaths,
];
