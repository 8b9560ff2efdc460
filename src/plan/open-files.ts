// The descriptors, root and working directory of a planned process, and what system calls do with them.

import { readFileSync, statSync } from 'node:fs';
import {
  AT_FDCWD,
  CGROUP2_SUPER_MAGIC,
  DEVPTS_SUPER_MAGIC,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  O_PATH,
  O_RDWR,
  O_WRONLY,
  OVERLAYFS_SUPER_MAGIC,
  PROC_SUPER_MAGIC,
  S_IFMT,
  S_IFREG,
  SYSFS_MAGIC,
  TMPFS_MAGIC,
} from '../linux/constants.ts';
import { EEXIST, EINVAL, EIO, ENOENT, ENOTDIR, EPERM, EROFS } from '../linux/errno.ts';
import { errnoOf } from '../linux/errors.ts';
import {
  characterDevice,
  Filesystem,
  Mount,
  type Node,
  Place,
  type Resolving,
  resolve,
} from './planned-files.ts';
import { directoryEntries } from './planned-stat.ts';

/** What a descriptor is of. */
export interface File {
  place?: Place | undefined;
  /** A filesystem that is being made: its type, and layers of an overlay. */
  making?: { type: string; layers: string[] };
  /** What is still to be read: bytes of a file, entries of a directory. */
  rest?: Buffer;
  /** Whether all of it has been sent. */
  sent?: boolean;
}

export class OpenFiles {
  root: Place;
  cwd: Place;
  readonly #files: Map<number, File>;

  constructor(files: Map<number, File>, root: Place, cwd = root) {
    this.#files = files;
    this.root = root;
    this.cwd = cwd;
  }

  /** The open files of a child, as fork(2) copies them. */
  copy(): OpenFiles {
    return new OpenFiles(new Map(this.#files), this.root, this.cwd);
  }

  /** Has the lowest free number, as from the kernel. */
  open(file: File): number {
    let fd = 0;
    while (this.#files.has(fd)) fd++;
    this.#files.set(fd, file);
    return fd;
  }

  close(fd: number): number {
    this.#files.delete(fd);
    return 0;
  }

  closeFrom(first: number): void {
    for (const fd of this.#files.keys()) if (fd >= first) this.#files.delete(fd);
  }

  duplicate(from: number, to: number): number {
    this.#files.set(to, this.#files.get(from) ?? {});
    return to;
  }

  file(fd: number): File {
    return this.#files.get(fd) ?? {};
  }

  place(fd: number): Place | undefined {
    return this.#files.get(fd)?.place;
  }

  /** chroot(2) and pivot_root(2). tsoci calls both with ".", so the working directory is the root after them. */
  enter(root: Place): number {
    this.root = this.cwd = root;
    return 0;
  }

  /** chdir(2) and fchdir(2). */
  goTo(place: Place): number {
    if (!place.isDirectory()) return -ENOTDIR;
    this.cwd = place;
    return 0;
  }

  resolve(fd: number, path: string, how: Resolving = {}): Place | number {
    if (fd === AT_FDCWD) return resolve(path.startsWith('/') ? this.root : this.cwd, path, how);
    const place = this.place(fd);
    if (!place) return -ENOENT;
    return path === '' ? place : resolve(place, path, how);
  }

  /** Opens a place to work with, or a file to read from. */
  openPlace(place: Place, flags: number): number {
    const host = place.host();
    const isFile = ((place.node()?.mode ?? 0) & S_IFMT) === S_IFREG;
    const toRead = (flags & (O_PATH | O_WRONLY | O_RDWR)) === 0;
    try {
      return this.open(toRead && isFile && host ? { place, rest: readFileSync(host) } : { place });
    } catch (error) {
      return -(errnoOf(error) ?? EIO);
    }
  }

  /** The next bytes of a file, `size` at most. */
  read(fd: number, size: number): Buffer {
    const file = this.#files.get(fd);
    const part = file?.rest?.subarray(0, size) ?? Buffer.alloc(0);
    if (file?.rest) this.#files.set(fd, { ...file, rest: file.rest.subarray(part.length) });
    return part;
  }

  /** Whole entries, `size` bytes at most (getdents64(2)). */
  readDirectory(fd: number, size: number): Buffer {
    const file = this.#files.get(fd);
    if (!file?.place) return Buffer.alloc(0);
    file.rest ??= directoryEntries(file.place.list());
    let end = 0;
    for (let next = 0; next <= size; next += file.rest.readUInt16LE(next + 16)) {
      end = next;
      if (next === file.rest.length) break;
    }
    return this.read(fd, end);
  }

  /** sendfile(2): all that is left, at once. */
  send(fd: number): number {
    const file = this.#files.get(fd);
    const host = file?.place?.host();
    if (!file || file.sent || host === undefined) return 0;
    file.sent = true;
    return statSync(host, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The other side of a pseudoterminal (ioctl_tty(2)). */
  openTerminal(master: number): number {
    const place = this.place(master);
    if (!place) return -ENOENT;
    const devpts = new Place(place.mount);
    devpts.put('0', characterDevice(136, 0));
    return this.open({ place: devpts.entry('0') });
  }

  /** fsconfig(2) with lowerdir+. */
  addLayer(fd: number, path: string): void {
    const layer = this.place(Number(path.split('/').at(-1)))?.host();
    if (layer !== undefined) this.#files.get(fd)?.making?.layers.push(layer);
  }

  /** fsmount(2). */
  openMount(fd: number, attributes: number): number {
    const mount = newMount(this.#files.get(fd)?.making);
    mount.change(attributes, ~attributes, false);
    return this.open({ place: new Place(mount) });
  }

  /** mount_setattr(2). */
  setAttributes(fd: number, recursive: boolean, set: bigint, clear: bigint): number {
    this.place(fd)?.mount.change(Number(set), Number(clear), recursive);
    return 0;
  }

  /** move_mount(2). */
  attach(fd: number, target: number): number {
    const mount = this.place(fd)?.mount;
    const place = this.place(target);
    if (!mount || !place) return -ENOENT;
    if (new Place(mount).isDirectory() !== place.isDirectory()) return -EINVAL;
    place.mount.mounts.set(place.path, mount);
    return 0;
  }

  /** mount(2) on the working directory. Of its flags, the first have the numbers that fsmount(2) has for them. */
  mountHere(type: string, flags: number): number {
    const mount = newMount({ type, layers: [] });
    mount.change(flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC), 0, false);
    this.cwd.mount.mounts.set(this.cwd.path, mount);
    return 0;
  }

  exists(fd: number, name: string): boolean {
    return this.place(fd)?.entry(name).node() !== undefined;
  }

  make(fd: number, name: string, node: Node): number {
    if (this.exists(fd, name)) return -EEXIST;
    const place = this.place(fd);
    // Nothing can be made in them; procfs does not even find the name.
    const magic = place?.magic();
    if (magic === PROC_SUPER_MAGIC) return -ENOENT;
    if (place?.isReadonly()) return -EROFS;
    if (magic === SYSFS_MAGIC) return -EPERM;
    place?.put(name, node);
    return 0;
  }

  /** unlinkat(2). */
  remove(fd: number, name: string): number {
    if (!this.exists(fd, name)) return -ENOENT;
    if (this.place(fd)?.isReadonly()) return -EROFS;
    this.place(fd)?.put(name, undefined);
    return 0;
  }
}

/** What statfs(2) says of filesystems by their types. */
const magics: Readonly<Record<string, number>> = {
  proc: PROC_SUPER_MAGIC,
  sysfs: SYSFS_MAGIC,
  devpts: DEVPTS_SUPER_MAGIC,
  overlay: OVERLAYFS_SUPER_MAGIC,
  cgroup2: CGROUP2_SUPER_MAGIC,
};
/** Where the host shows the filesystems of these types. */
const shown: Readonly<Record<string, string>> = { proc: '/proc', sysfs: '/sys' };

function newMount({ type, layers }: NonNullable<File['making']> = { type: '', layers: [] }): Mount {
  const host = shown[type];
  const filesystem = new Filesystem(host === undefined ? layers : [host], magics[type] ?? TMPFS_MAGIC);
  if (type === 'devpts') filesystem.put('/ptmx', characterDevice(5, 2));
  return new Mount(filesystem);
}
