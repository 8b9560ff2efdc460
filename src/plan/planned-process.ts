// A planned process: it answers system calls as the kernel usually does, and works on files as a plan sees them.

import { knowsFilesystem } from '../diagnosis/filesystems.ts';
import { type Execution, whyNotExecutable } from '../diagnosis/program.ts';
import {
  AT_FDCWD,
  AT_RECURSIVE,
  AT_SYMLINK_NOFOLLOW,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  OPEN_TREE_CLONE,
  RESOLVE_NO_SYMLINKS,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  TIOCGPTPEER,
} from '../linux/constants.ts';
import { EACCES, EEXIST, ENODEV, ENOENT, ENOTDIR, EPERM } from '../linux/errno.ts';
import { STATX_SIZE } from '../linux/statx.ts';
import type { Memory } from '../trace/stub-memory.ts';
import type { File, OpenFiles } from './open-files.ts';
import { PlannedFiles } from './planned-execution.ts';
import { directory, Place } from './planned-files.ts';
import { PlannedPerson } from './planned-person.ts';
import { writeStat, writeStatx } from './planned-stat.ts';

/** What all planned processes share. */
export interface World {
  /** Who makes the plan. */
  uid: number;
  gid: number;
  umask: number;
  /** Whether user namespaces that are made deny setgroups(2). */
  setgroupsDenied: boolean;
  nextPid: number;
  /** The container's init. */
  init: PlannedProcess | undefined;
  /** What the descriptors are of that were sent last: whoever receives some is passed these. */
  passed: File[];
}

export class PlannedProcess {
  readonly pid: number;
  /** The descriptor that programs come through. */
  control: number;
  readonly #world: World;
  readonly #files: OpenFiles;
  #ownUsers = false;
  #pidInside: number;
  #umask: number;
  #person: PlannedPerson;

  constructor(world: World, files: OpenFiles, control: number) {
    this.pid = world.nextPid++;
    this.control = control;
    this.#world = world;
    this.#files = files;
    this.#pidInside = this.pid;
    this.#umask = world.umask;
    this.#person = new PlannedPerson(world);
  }

  /** What it would execute something with, as it is now. */
  execution(): Execution {
    const { root, cwd } = this.#files;
    const person = this.#person.person(this.#ownUsers);
    return { files: new PlannedFiles(root), cwd: cwd.name || '/', person };
  }

  /** clone3(2). */
  fork(flags: number): PlannedProcess {
    const child = new PlannedProcess(this.#world, this.#files.copy(), this.control);
    child.#ownUsers = this.#ownUsers || (flags & CLONE_NEWUSER) !== 0;
    child.#person = this.#person.copy();
    if (flags & CLONE_NEWPID) child.#pidInside = 1;
    if (flags & CLONE_NEWNS) this.#world.init = child;
    return child;
  }

  /** The result of a call: a value or -errno. What it writes goes to `memory`. */
  execute(call: string, words: readonly bigint[], memory: Memory): number {
    const int = (i: number) => Number(BigInt.asIntN(32, words[i] ?? 0n));
    const text = (i: number) => memory.string(words[i] ?? 0n) ?? '';
    const files = this.#files;
    switch (call) {
      case 'close':
        return files.close(int(0));
      case 'close_range':
        // With CLOSE_RANGE_CLOEXEC (bit 2) descriptors are only marked.
        if (int(2) === 0) files.closeFrom(int(0));
        return 0;
      case 'dup3':
        return files.duplicate(int(0), int(1));
      case 'openat':
        if (int(2) & O_CREAT) {
          const node = { mode: S_IFREG | int(3), major: 0, minor: 0, inode: 1 };
          const made = files.make(int(0), text(1), node);
          if (made !== 0 && made !== -EEXIST) return made;
        }
        return this.#found(files.resolve(int(0), text(1)), (place) => files.openPlace(place, int(2)));
      case 'openat2':
        return this.#openInRoot(int(0), text(1), memory, words[2] ?? 0n);
      case 'open_tree':
        return this.#openTree(int(0), text(1), int(2));
      case 'fsopen':
        if (!knowsFilesystem(text(0))) return -ENODEV;
        return files.open({ making: { type: text(0), layers: [] } });
      case 'fsconfig':
        if (text(2) === 'lowerdir+') files.addLayer(int(0), text(3));
        return 0;
      case 'fsmount':
        return files.openMount(int(0), int(2));
      case 'mount_setattr': {
        const [set = 0n, clear = 0n] = [0n, 8n].map((at) => memory.word((words[3] ?? 0n) + at));
        return files.setAttributes(int(0), (int(2) & AT_RECURSIVE) !== 0, set, clear);
      }
      case 'move_mount':
        return files.attach(int(0), int(2));
      case 'mount':
        return text(2) === 'tmpfs' && text(1) === '.' ? files.mountHere(text(2), int(3)) : 0;
      case 'socket':
      case 'accept4':
      case 'fspick':
        return files.open({});
      case 'seccomp':
        return int(1) & SECCOMP_FILTER_FLAG_NEW_LISTENER ? files.open({}) : 0;
      case 'ioctl':
        return int(1) === TIOCGPTPEER ? files.openTerminal(int(0)) : 0;
      case 'setgroups':
        if (this.#ownUsers && this.#world.setgroupsDenied) return -EPERM;
        this.#person.setGroups(int(0), words[1] ?? 0n, memory);
        return 0;
      case 'setresgid':
        this.#person.setGroup(int(1));
        return 0;
      case 'setresuid':
        this.#person.setUser(int(1));
        return 0;
      case 'capset':
        this.#person.setCapabilities(words[1] ?? 0n, memory);
        return 0;
      case 'execve':
        return -(whyNotExecutable(this.execution(), text(0))?.errno ?? 0);
      case 'setns':
        if (int(1) & CLONE_NEWNS && this.#world.init) files.enter(this.#world.init.#files.root);
        if (int(1) & CLONE_NEWUSER) this.#ownUsers = true;
        return 0;
      case 'unshare':
        if (int(0) & CLONE_NEWUSER) this.#ownUsers = true;
        return 0;
      case 'chroot':
      case 'pivot_root':
        return files.enter(new Place(files.cwd.mount, files.cwd.path));
      case 'fchdir': {
        const place = files.place(int(0));
        return place ? files.goTo(place) : 0;
      }
      case 'chdir':
        return this.#found(files.resolve(AT_FDCWD, text(0)), (place) => files.goTo(place));
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
        return files.make(int(0), text(1), { ...directory });
      case 'mknodat':
        return this.#makeNode(int(0), text(1), int(2), int(3));
      case 'symlinkat': {
        const node = { mode: S_IFLNK | 0o777, major: 0, minor: 0, inode: 1, link: text(0) };
        return files.make(int(1), text(2), node);
      }
      case 'unlinkat':
        return files.remove(int(0), text(1));
      case 'read':
        return this.#read(int(0), words[1] ?? 0n, int(2), memory);
      case 'write':
        return int(2);
      case 'sendmsg':
        this.#world.passed = passedDescriptors(memory, words[1] ?? 0n).map((fd) => files.file(fd));
        return 1;
      case 'recvmsg':
        for (const file of this.#world.passed.splice(0)) files.open(file);
        return 1;
      case 'getcwd': {
        const name = Buffer.from(`${files.cwd.name || '/'}\0`);
        name.copy(memory.read(words[0] ?? 0n, name.length) ?? Buffer.alloc(0));
        return name.length;
      }
      case 'readlinkat':
        return this.#found(files.resolve(int(0), text(1), { noFollow: true }), (place) => {
          const link = Buffer.from(place.node()?.link ?? '');
          link.copy(memory.read(words[2] ?? 0n, link.length) ?? Buffer.alloc(0));
          return link.length;
        });
      case 'faccessat2':
        return this.#found(files.resolve(int(0), text(1)), (place) =>
          (place.node()?.mode ?? 0) & 0o111 ? 0 : -EACCES,
        );
      case 'statx':
        return this.#found(
          files.resolve(int(0), text(1), { noFollow: (int(2) & AT_SYMLINK_NOFOLLOW) !== 0 }),
          (place) => {
            const bytes = memory.read(words[4] ?? 0n, STATX_SIZE);
            if (bytes) writeStatx(place, bytes);
          },
        );
      case 'getdents64': {
        const bytes = files.readDirectory(int(0), int(2));
        bytes.copy(memory.read(words[1] ?? 0n, bytes.length) ?? Buffer.alloc(0));
        return bytes.length;
      }
      case 'sendfile':
        return files.send(int(1));
      case 'newfstatat':
        return this.#found(
          files.resolve(int(0), text(1), { noFollow: (int(3) & AT_SYMLINK_NOFOLLOW) !== 0 }),
          (place) => {
            const bytes = memory.read(words[2] ?? 0n, 16);
            if (bytes) writeStat(place, bytes);
          },
        );
      case 'fstatfs':
        return this.#found(files.place(int(0)) ?? -ENOENT, (place) => {
          memory.read(words[1] ?? 0n, 8)?.writeBigUInt64LE(BigInt(place.magic()));
        });
      default:
        return 0;
    }
  }

  #found(place: Place | number, use: (place: Place) => unknown): number {
    if (typeof place === 'number') return place;
    const result = use(place);
    return typeof result === 'number' ? result : 0;
  }

  #openInRoot(fd: number, path: string, memory: Memory, how: bigint): number {
    const flags = Number(memory.word(how) ?? 0n);
    const noFollow = (flags & O_NOFOLLOW) !== 0;
    const noSymlinks = (Number(memory.word(how + 16n) ?? 0n) & RESOLVE_NO_SYMLINKS) !== 0;
    const directory = (flags & O_DIRECTORY) !== 0;
    return this.#found(this.#files.resolve(fd, path, { noFollow, noSymlinks }), (place) =>
      directory && !place.isDirectory() ? -ENOTDIR : this.#files.open({ place }),
    );
  }

  #openTree(fd: number, path: string, flags: number): number {
    return this.#found(this.#files.resolve(fd, path), (place) =>
      this.#files.open({
        place: flags & OPEN_TREE_CLONE ? new Place(place.clone((flags & AT_RECURSIVE) !== 0)) : place,
      }),
    );
  }

  #makeNode(fd: number, name: string, mode: number, device: number): number {
    const type = mode & S_IFMT;
    if (type !== S_IFIFO && type !== S_IFREG && !this.#mayMakeDevices())
      return this.#files.exists(fd, name) ? -EEXIST : -EPERM;
    return this.#files.make(fd, name, {
      mode,
      major: (device >> 8) & 0xfff,
      minor: device & 0xff,
      inode: 1,
    });
  }

  #mayMakeDevices(): boolean {
    return this.#world.uid === 0 && !this.#ownUsers;
  }

  #read(fd: number, address: bigint, size: number, memory: Memory): number {
    // From the control descriptor come the go message of `start`, and data for the memory of the stub.
    if (fd === this.control) return size;
    const part = this.#files.read(fd, size);
    part.copy(memory.read(address, part.length) ?? Buffer.alloc(0));
    return part.length;
  }
}

/** The descriptors that a struct msghdr sends: those of its struct cmsghdr (cmsg(3)). */
function passedDescriptors(memory: Memory, header: bigint): number[] {
  const control = memory.word(header + 32n) ?? 0n;
  const length = Number(memory.word(control) ?? 0n) - 16;
  const bytes = memory.read(control + 16n, Math.max(length, 0)) ?? Buffer.alloc(0);
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i));
}
