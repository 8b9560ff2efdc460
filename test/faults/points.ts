// The points at which a command is tried: each system call of its processes, made to fail or the last that is begun.

/**
 * The processes in which calls fail: of a command with a runtime of its own all, of one that is served the launcher and the
 * stubs, or the worker that serves it.
 */
export const places = ['cold', 'launcher', 'worker'] as const;
export type Place = (typeof places)[number];

/**
 * A fault of strace(1): the nth call of each process fails, or kills the process before it is made. A process that is killed
 * behind one call is one that is killed before its next.
 */
export interface Point {
  place: Place;
  command: string;
  call: string;
  nth: number;
  /** Undefined: the process is killed. */
  errno: string | undefined;
}

/** Calls that nobody makes fail: they end a process, or strace does not let go of them. */
const NEVER = new Set(['exit', 'exit_group', 'rt_sigreturn', 'restart_syscall', 'vfork']);

/**
 * Calls that only the last breath of a process is taken by: where strace has close(2) fail the descriptor stays open, which the
 * kernel never does; and brk(2) is that of the container's program, too, which dies of it as it likes.
 */
const ONLY_KILLS = new Set(['close', 'brk']);

/** The engine's own: a few of each do, since most have nothing to do with a container. */
const ENGINES = new Set([
  ...[
    'arch_prctl',
    'brk',
    'clock_gettime',
    'epoll_create1',
    'epoll_ctl',
    'eventfd2',
    'futex',
    'getpid',
    'gettid',
  ],
  ...['gettimeofday', 'getrandom', 'madvise', 'membarrier', 'mmap', 'mprotect', 'munmap', 'pread64', 'rseq'],
  ...[
    'rt_sigaction',
    'rt_sigprocmask',
    'sched_getaffinity',
    'sched_yield',
    'set_robust_list',
    'set_tid_address',
  ],
  ...['sigaltstack', 'sysinfo', 'uname'],
]);
const ENGINES_MOST = 4;

/** What the kernel answers where it refuses for lack of something; EIO where it is not in the man page either. */
const ERRNOS: Readonly<Record<string, string>> = {
  clone: 'EAGAIN',
  clone3: 'EAGAIN',
  mmap: 'ENOMEM',
  mprotect: 'ENOMEM',
  open: 'EMFILE',
  openat: 'EMFILE',
  openat2: 'EMFILE',
  pipe2: 'EMFILE',
  socket: 'EMFILE',
  socketpair: 'EMFILE',
  memfd_create: 'EMFILE',
  recvmsg: 'ENOMEM',
  mkdir: 'ENOSPC',
  mkdirat: 'ENOSPC',
  write: 'ENOSPC',
  rename: 'ENOSPC',
};

/** What some answer of is another way to go on. */
const OTHERS = [
  'EPERM',
  'EINVAL',
  'ENOSYS',
  'EAGAIN',
  'ENOENT',
  'EEXIST',
  'EBUSY',
  'EINTR',
  'EACCES',
  'ENODEV',
];

/** A fault is for lack of something where a runtime is the caller's own; with a server it may be any other. */
function errnoOf(place: Place, call: string, nth: number): string {
  if (place !== 'launcher') return ERRNOS[call] ?? 'EIO';
  const letters = [...call].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return OTHERS[(letters + nth) % OTHERS.length] ?? 'EIO';
}

/** A trace in which each line is of one process: `PID call(…`. */
export function pointsOf(place: Place, command: string, trace: string, most: number): Point[] {
  const counts = new Map<string, Map<string, number>>();
  for (const [, pid = '', call = ''] of trace.matchAll(/^(\d+) +(\w+)\(/gm)) {
    const byPid = counts.get(call) ?? new Map<string, number>();
    byPid.set(pid, (byPid.get(pid) ?? 0) + 1);
    counts.set(call, byPid);
  }
  return [...counts].flatMap(([call, byPid]) => {
    if (NEVER.has(call)) return [];
    const count = Math.min(Math.max(...byPid.values()), ENGINES.has(call) ? ENGINES_MOST : most);
    return Array.from({ length: count }, (_, i) => {
      const point = { place, command, call, nth: i + 1 };
      const killed = { ...point, errno: undefined };
      return ONLY_KILLS.has(call) ? [killed] : [{ ...point, errno: errnoOf(place, call, i + 1) }, killed];
    }).flat();
  });
}

/** `worker:run:openat:3:EMFILE`, in the form that --only takes. */
export function nameOf({ place, command, call, nth, errno }: Point): string {
  return `${place}:${command}:${call}:${nth}:${errno ?? 'kill'}`;
}
