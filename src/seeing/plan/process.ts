// A process that is none: it executes programs on files as a plan sees them, and answers as the kernel usually does.

import { readFileSync } from 'node:fs';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  DEVPTS_SUPER_MAGIC,
  O_CLOEXEC,
  O_NOFOLLOW,
  OPEN_TREE_CLONE,
  PROC_SUPER_MAGIC,
  RESOLVE_NO_SYMLINKS,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SYSFS_MAGIC,
  TIOCGPTPEER,
} from '../../linux/constants.ts';
import { EACCES, EEXIST, ENOENT, EPERM } from '../../linux/errno.ts';
import type { Memory } from '../trace/memory.ts';
import { characterDevice, directory, Filesystem, Mount, Place, resolve } from './files.ts';

/** linux/magic.h */
const TMPFS_MAGIC = 0x01021994;

/** What a descriptor is of. */
interface File {
  place?: Place | undefined;
  /** A filesystem that is being made: its type, and layers of an overlay. */
  making?: { type: string; layers: string[] };
  /** What is still to be read. */
  rest?: Buffer;
}

/** What all planned processes share. */
export interface World {
  /** Whether it is root of the host that would do all this. */
  privileged: boolean;
  umask: number;
  /** Whether user namespaces that are made deny setgroups(2). */
  setgroupsDenied: boolean;
  nextPid: number;
  /** The container's init. */
  init: PlannedProcess | undefined;
}

export class PlannedProcess {
  readonly pid: number;
  readonly files: Map<number, File>;
  /** What descriptor programs come through. */
  control: number;
  root: Place;
  cwd: Place;
  readonly #world: World;
  #ownUsers = false;
  #pidInside: number;
  #umask: number;

  constructor(world: World, pid: number, files: Map<number, File>, root: Place, control: number) {
    this.pid = pid;
    this.files = files;
    this.root = root;
    this.cwd = root;
    this.control = control;
    this.#world = world;
    this.#pidInside = pid;
    this.#umask = world.umask;
  }

  /** clone3(2). */
  fork(flags: number): PlannedProcess {
    const child = new PlannedProcess(
      this.#world,
      this.#world.nextPid++,
      new Map(this.files),
      this.root,
      this.control,
    );
    child.#ownUsers = this.#ownUsers || (flags & CLONE_NEWUSER) !== 0;
    if (flags & CLONE_NEWPID) child.#pidInside = 1;
    if (flags & CLONE_NEWNS) this.#world.init = child;
    return child;
  }

  /** The result of a call: a value or -errno. What it writes goes to `memory`. */
  execute(call: string, words: readonly bigint[], memory: Memory): number {
    const int = (i: number) => Number(BigInt.asIntN(32, words[i] ?? 0n));
    const text = (i: number) => memory.string(words[i] ?? 0n) ?? '';
    switch (call) {
      case 'close':
        this.files.delete(int(0));
        return 0;
      case 'close_range':
        // Bit 2 only marks them.
        if (int(2) === 0) for (const fd of this.files.keys()) if (fd >= int(0)) this.files.delete(fd);
        return 0;
      case 'dup3':
        this.files.set(int(1), this.files.get(int(0)) ?? {});
        return int(1);
      case 'openat':
        return this.#openPath(int(0), text(1), int(2));
      case 'openat2':
        return this.#openInRoot(int(0), text(1), memory, words[2] ?? 0n);
      case 'open_tree':
        return this.#openTree(int(0), text(1), int(2));
      case 'fsopen':
        return this.#open({ making: { type: text(0), layers: [] } });
      case 'fsconfig':
        if (text(2) === 'lowerdir+') this.#addLayer(int(0), text(3));
        return 0;
      case 'fsmount':
        return this.#open({ place: new Place(this.#newMount(int(0))) });
      case 'move_mount':
        return this.#attach(int(0), int(2));
      case 'socket':
      case 'accept4':
      case 'fspick':
        return this.#open({});
      case 'ioctl':
        return int(1) === TIOCGPTPEER ? this.#openTerminal(int(0)) : 0;
      case 'setgroups':
        return this.#ownUsers && this.#world.setgroupsDenied ? -EPERM : 0;
      case 'setns':
        if (int(1) & CLONE_NEWNS && this.#world.init) this.cwd = this.root = this.#world.init.root;
        if (int(1) & CLONE_NEWUSER) this.#ownUsers = true;
        return 0;
      case 'unshare':
        if (int(0) & CLONE_NEWUSER) this.#ownUsers = true;
        return 0;
      case 'chroot':
      case 'pivot_root':
        this.cwd = this.root = new Place(this.cwd.mount, this.cwd.path);
        return 0;
      case 'fchdir':
        this.cwd = this.files.get(int(0))?.place ?? this.cwd;
        return 0;
      case 'chdir':
        return this.#found(this.#resolve(AT_FDCWD, text(0)), (place) => {
          this.cwd = place;
        });
      case 'getpid':
        return this.#pidInside;
      case 'setsid':
        return this.#pidInside;
      case 'umask': {
        const before = this.#umask;
        this.#umask = int(0);
        return before;
      }
      case 'mkdirat':
        return this.#make(int(0), text(1), { ...directory });
      case 'mknodat':
        if ((int(2) & S_IFMT) !== S_IFIFO && (int(2) & S_IFMT) !== S_IFREG && !this.#mayMakeDevices())
          return this.#exists(int(0), text(1)) ? -EEXIST : -EPERM;
        return this.#make(int(0), text(1), {
          mode: int(2),
          major: (int(3) >> 8) & 0xfff,
          minor: int(3) & 0xff,
          inode: 1,
        });
      case 'symlinkat':
        return this.#make(int(1), text(2), {
          mode: S_IFLNK | 0o777,
          major: 0,
          minor: 0,
          inode: 1,
          link: text(0),
        });
      case 'unlinkat': {
        if (!this.#exists(int(0), text(1))) return -ENOENT;
        this.files.get(int(0))?.place?.put(text(1), undefined);
        return 0;
      }
      case 'read':
        return this.#read(int(0), words[1] ?? 0n, int(2), memory);
      case 'write':
        return int(2);
      case 'sendmsg':
        return 1;
      case 'getcwd': {
        const name = Buffer.from(`${this.cwd.name || '/'}\0`);
        name.copy(memory.read(words[0] ?? 0n, name.length) ?? Buffer.alloc(0));
        return name.length;
      }
      case 'readlinkat':
        return this.#found(this.#resolve(int(0), text(1), { noFollow: true }), (place) => {
          const link = Buffer.from(place.node()?.link ?? '');
          link.copy(memory.read(words[2] ?? 0n, link.length) ?? Buffer.alloc(0));
          return link.length;
        });
      case 'faccessat2':
        return this.#found(this.#resolve(int(0), text(1)), (place) =>
          (place.node()?.mode ?? 0) & 0o111 ? 0 : -EACCES,
        );
      case 'statx':
        return this.#found(this.#resolve(int(0), text(1)), (place) => {
          const { mode = 0, major = 0, minor = 0 } = place.node() ?? {};
          // struct statx (linux/stat.h).
          memory.read((words[4] ?? 0n) + 28n, 2)?.writeUInt16LE(mode);
          memory.read((words[4] ?? 0n) + 128n, 4)?.writeUInt32LE(major);
          memory.read((words[4] ?? 0n) + 132n, 4)?.writeUInt32LE(minor);
        });
      case 'newfstatat':
        return this.#found(this.#resolve(int(0), text(1)), (place) => {
          // struct stat: st_ino comes second.
          memory.read((words[2] ?? 0n) + 8n, 8)?.writeBigUInt64LE(BigInt(place.node()?.inode ?? 0));
        });
      case 'fstatfs':
        return this.#found(this.files.get(int(0))?.place ?? -ENOENT, (place) => {
          memory.read(words[1] ?? 0n, 8)?.writeBigUInt64LE(BigInt(place.magic()));
        });
      default:
        return 0;
    }
  }

  /** The kernel hands out the lowest free number. */
  #open(file: File): number {
    let fd = 0;
    while (this.files.has(fd)) fd++;
    this.files.set(fd, file);
    return fd;
  }

  #found(place: Place | number, use: (place: Place) => unknown): number {
    if (typeof place === 'number') return place;
    const result = use(place);
    return typeof result === 'number' ? result : 0;
  }

  #resolve(fd: number, path: string, how: { noFollow?: boolean; noSymlinks?: boolean } = {}): Place | number {
    if (fd === AT_FDCWD) return resolve(path.startsWith('/') ? this.root : this.cwd, path, how);
    const place = this.files.get(fd)?.place;
    if (!place) return -ENOENT;
    return path === '' ? place : resolve(place, path, how);
  }

  #openPath(fd: number, path: string, flags: number): number {
    return this.#found(this.#resolve(fd, path), (place) => {
      const host = place.host();
      const isFile = ((place.node()?.mode ?? 0) & S_IFMT) === S_IFREG;
      return this.#open(
        flags === O_CLOEXEC && isFile && host ? { place, rest: readFileSync(host) } : { place },
      );
    });
  }

  #openInRoot(fd: number, path: string, memory: Memory, how: bigint): number {
    const noFollow = (Number(memory.word(how) ?? 0n) & O_NOFOLLOW) !== 0;
    const noSymlinks = (Number(memory.word(how + 16n) ?? 0n) & RESOLVE_NO_SYMLINKS) !== 0;
    return this.#found(this.#resolve(fd, path, { noFollow, noSymlinks }), (place) => this.#open({ place }));
  }

  #openTree(fd: number, path: string, flags: number): number {
    return this.#found(this.#resolve(fd, path), (place) =>
      this.#open({
        place: flags & OPEN_TREE_CLONE ? new Place(place.clone((flags & AT_RECURSIVE) !== 0)) : place,
      }),
    );
  }

  /** The other side of a pseudoterminal (ioctl_tty(2)). */
  #openTerminal(master: number): number {
    const place = this.files.get(master)?.place;
    if (!place) return -ENOENT;
    const devpts = new Place(place.mount);
    devpts.put('0', characterDevice(136, 0));
    return this.#open({ place: devpts.entry('0') });
  }

  #addLayer(fd: number, path: string): void {
    const layer = this.files.get(Number(path.split('/').at(-1)))?.place?.host();
    if (layer !== undefined) this.files.get(fd)?.making?.layers.push(layer);
  }

  #newMount(fd: number): Mount {
    const { type, layers } = this.files.get(fd)?.making ?? { type: '', layers: [] };
    if (type === 'proc') return new Mount(new Filesystem(['/proc'], PROC_SUPER_MAGIC));
    if (type === 'sysfs') return new Mount(new Filesystem(['/sys'], SYSFS_MAGIC));
    const filesystem = new Filesystem(layers, type === 'devpts' ? DEVPTS_SUPER_MAGIC : TMPFS_MAGIC);
    if (type === 'devpts') filesystem.put('/ptmx', characterDevice(5, 2));
    return new Mount(filesystem);
  }

  #attach(fd: number, target: number): number {
    const mount = this.files.get(fd)?.place?.mount;
    const place = this.files.get(target)?.place;
    if (!mount || !place) return -ENOENT;
    place.mount.mounts.set(place.path, mount);
    return 0;
  }

  #exists(fd: number, name: string): boolean {
    return this.files.get(fd)?.place?.entry(name).node() !== undefined;
  }

  #make(fd: number, name: string, node: NonNullable<ReturnType<Place['node']>>): number {
    if (this.#exists(fd, name)) return -EEXIST;
    this.files.get(fd)?.place?.put(name, node);
    return 0;
  }

  #mayMakeDevices(): boolean {
    return this.#world.privileged && !this.#ownUsers;
  }

  #read(fd: number, address: bigint, size: number, memory: Memory): number {
    const file = this.files.get(fd);
    // The word to go on, or data to come: see channel.ts.
    if (fd === this.control) return size;
    const part = file?.rest?.subarray(0, size) ?? Buffer.alloc(0);
    part.copy(memory.read(address, part.length) ?? Buffer.alloc(0));
    if (file?.rest) this.files.set(fd, { ...file, rest: file.rest.subarray(part.length) });
    return part.length;
  }
}
