// Files as a plan sees them: those of the host, read only, and over them what the planned calls would have made.

import { lstatSync, readdirSync, readlinkSync, statfsSync } from 'node:fs';
import { posix } from 'node:path';
import { tryFilesystemOf } from '../diagnosis/rooted-files.ts';
import { MOUNT_ATTR_RDONLY, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT } from '../linux/constants.ts';
import { ELOOP, ENOENT, ENOTDIR } from '../linux/errno.ts';

/** What is at a path. */
export interface Node {
  /** Type and permission bits. */
  mode: number;
  major: number;
  minor: number;
  inode: number;
  /** Where a symlink leads. */
  link?: string;
}

/** How many device numbers and inode numbers were given so far. The first inode is that of a root directory. */
let devices = 0;
let inodes = 1;
let mountIds = 0;

/** A filesystem: directories of the host that it shows, the topmost first, and what was made in it. */
export class Filesystem {
  readonly hosts: readonly string[];
  /** Its device number (st_dev), which no other filesystem has. */
  readonly device = ++devices;
  readonly #magic: number | undefined;
  readonly #made = new Map<string, Node | undefined>();

  constructor(hosts: readonly string[], magic?: number) {
    this.hosts = hosts;
    this.#magic = magic;
  }

  at(path: string): Node | undefined {
    if (this.#made.has(path)) return this.#made.get(path);
    const host = this.host(path);
    if (host !== undefined) return hostNode(host);
    return path === '' ? directory : undefined;
  }

  /** The path on the host of what is there, unless a planned call has put it there. */
  host(path: string): string | undefined {
    if (this.#made.has(path)) return undefined;
    return this.hosts.map((host) => posix.join(host, path)).find(hostNode);
  }

  /** The names in a directory, as the filesystem has them. */
  list(path: string): string[] {
    const names = new Set(this.hosts.flatMap((host) => namesIn(posix.join(host, path))));
    for (const [made, node] of this.#made) {
      if (posix.dirname(made) !== (path || '/')) continue;
      if (node) names.add(posix.basename(made));
      else names.delete(posix.basename(made));
    }
    return [...names];
  }

  /** Makes a directory, and those above it that are missing. */
  putDirectories(path: string): void {
    for (let at = path; at !== '/' && !this.at(at); at = posix.dirname(at)) this.put(at, directory);
  }

  /** Makes a node; undefined removes what is there. */
  put(path: string, node: Node | undefined): void {
    this.#made.set(path, node && { ...node, inode: ++inodes });
  }

  magic(path: string): number {
    if (this.#magic !== undefined) return this.#magic;
    // A node that was made is on the filesystem of its directory.
    const host = this.host(path);
    if (host !== undefined) return typeOf(host);
    return path === '' || path === '/' ? 0 : this.magic(posix.dirname(path));
  }
}

export const directory: Node = { mode: S_IFDIR | 0o755, major: 0, minor: 0, inode: 1 };

/** The node of a device. */
export function characterDevice(major: number, minor: number): Node {
  return { mode: S_IFCHR | 0o666, major, minor, inode: 1 };
}

function hostNode(path: string): Node | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return undefined;
    const { mode, rdev, ino } = stat;
    const node = {
      mode,
      major: (rdev >> 8) & 0xfff,
      minor: (rdev & 0xff) | ((rdev >> 12) & ~0xff),
      inode: ino,
    };
    return stat.isSymbolicLink() ? { ...node, link: readlinkSync(path) } : node;
  } catch {
    return undefined;
  }
}

/** Others' cgroups and processes vanish while a plan looks at them: then it is as if they had not been there. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** statfs(2); 0 for what has vanished meanwhile. */
function typeOf(path: string): number {
  try {
    return statfsSync(path).type;
  } catch {
    return 0;
  }
}

function isReadonlyAt(path: string): boolean {
  return tryFilesystemOf(path)?.readonly ?? false;
}

/** A mount: a directory of a filesystem, and the mounts on paths of it. */
export class Mount {
  /** A number that no other has. */
  readonly id = ++mountIds;
  readonly filesystem: Filesystem;
  readonly base: string;
  readonly mounts: Map<string, Mount>;
  /** MOUNT_ATTR_* as calls have set and cleared them; the others are those of the mount of the host that it shows. */
  #attributes = { set: 0, clear: 0 };

  constructor(filesystem: Filesystem, base = '', mounts = new Map<string, Mount>()) {
    this.filesystem = filesystem;
    this.base = base;
    this.mounts = mounts;
  }

  /** mount_setattr(2), with `recursive` of what is mounted below too. */
  change(set: number, clear: number, recursive: boolean): void {
    const before = this.#attributes;
    this.#attributes = { set: (before.set & ~clear) | set, clear: (before.clear & ~set) | (clear & ~set) };
    if (recursive) for (const mount of this.mounts.values()) mount.change(set, clear, recursive);
  }

  /** Whether it has an attribute; undefined: as the mount of the host. */
  has(attribute: number): boolean | undefined {
    const { set, clear } = this.#attributes;
    return ((set | clear) & attribute) === 0 ? undefined : (set & attribute) !== 0;
  }

  /** A copy of a part of it, with what is mounted there. */
  copy(path: string, mounts: Map<string, Mount>): Mount {
    const copied = new Mount(this.filesystem, this.base + path, mounts);
    copied.#attributes = this.#attributes;
    return copied;
  }

  /** A copy of all of it: what is mounted there is not what is mounted here. */
  tree(): Mount {
    return this.copy('', new Map([...this.mounts].map(([path, mount]) => [path, mount.tree()])));
  }
}

/** Where a path has led: '' is the root of the mount. */
export class Place {
  readonly mount: Mount;
  readonly path: string;
  /** Its path below the root from which it was found. */
  readonly name: string;

  constructor(mount: Mount, path = '', name = '') {
    this.mount = mount;
    this.path = path;
    this.name = name;
  }

  node(): Node | undefined {
    return this.mount.filesystem.at(this.mount.base + this.path);
  }

  isDirectory(): boolean {
    return ((this.node()?.mode ?? 0) & S_IFMT) === S_IFDIR;
  }

  put(name: string, node: Node | undefined): void {
    this.mount.filesystem.put(`${this.mount.base}${this.path}/${name}`, node);
  }

  /** The names in this directory. */
  list(): string[] {
    return this.mount.filesystem.list(this.mount.base + this.path);
  }

  /** The path on the host of what is here, if it is the host's. */
  host(): string | undefined {
    return this.mount.filesystem.host(this.mount.base + this.path);
  }

  /** Whether nothing can be made or removed in this directory. */
  isReadonly(): boolean {
    const set = this.mount.has(MOUNT_ATTR_RDONLY);
    if (set !== undefined) return set;
    const { filesystem, base } = this.mount;
    // A directory that was made is on the mount of the one that it was made in.
    for (let path = base + this.path; ; path = posix.dirname(path)) {
      const host = filesystem.host(path);
      if (host !== undefined) return isReadonlyAt(host);
      if (path === '' || path === '/') return false;
    }
  }

  magic(): number {
    return this.mount.filesystem.magic(this.mount.base + this.path);
  }

  /** A detached copy (open_tree(2)), with `recursive` of what is mounted below too. */
  clone(recursive: boolean): Mount {
    const below = [...this.mount.mounts].filter(([path]) => recursive && path.startsWith(`${this.path}/`));
    const copied = new Map(below.map(([path, mount]) => [path.slice(this.path.length), mount.tree()]));
    return this.mount.copy(this.path, copied);
  }

  /** The entry of that name, or what is mounted on it. */
  entry(name: string): Place {
    return new Place(this.mount, `${this.path}/${name}`, `${this.name}/${name}`).top();
  }

  top(): Place {
    const mount = this.mount.mounts.get(this.path);
    return mount ? new Place(mount, '', this.name).top() : this;
  }
}

/** As many symlinks as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

export interface Resolving {
  /** The last part is not followed. */
  noFollow?: boolean;
  noSymlinks?: boolean;
}

/** The place of a path below `root`, out of which nothing leads; or -errno. */
export function resolve(root: Place, path: string, how: Resolving = {}, links = 0): Place | number {
  if (links > MAX_LINKS) return -ELOOP;
  const parts = posix.normalize(`/${path}`).split('/').filter(Boolean);
  let place = root;
  for (const [i, part] of parts.entries()) {
    const node = place.node();
    if (!node || (node.mode & S_IFMT) !== S_IFDIR) return node ? -ENOTDIR : -ENOENT;
    place = place.entry(part);
    const link = linkOf(place);
    if (link === undefined || (how.noFollow && i === parts.length - 1)) continue;
    if (how.noSymlinks) return -ELOOP;
    const target = posix.resolve('/', ...parts.slice(0, i), link);
    return resolve(root, posix.join(target, ...parts.slice(i + 1)), how, links + 1);
  }
  return place.node() ? place : -ENOENT;
}

function linkOf(place: Place): string | undefined {
  const node = place.node();
  return node && (node.mode & S_IFMT) === S_IFLNK ? node.link : undefined;
}
