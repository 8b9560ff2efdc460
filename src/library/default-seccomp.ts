// A filter of system calls for programs that are not trusted.

import type { Seccomp, SeccompArch } from '../config/generated/types.ts';

/** include/uapi/asm-generic/errno-base.h */
const EPERM = 1;
/** include/uapi/asm-generic/errno.h */
const ENOSYS = 38;

/** include/uapi/linux/sched.h: the new namespaces that clone(2) can make. */
const CLONE_NEW = 0x02000000 | 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (include/linux/socket.h). Not AF_VSOCK, which leads to a hypervisor, nor AF_ALG. */
const SOCKET_FAMILIES = [1, 2, 10, 16];

/** PER_LINUX, PER_LINUX32, both with UNAME26, and the question (include/uapi/linux/personality.h). */
const PERSONALITIES = [0, 0x0008, 0x0020000, 0x0020008, 0xffffffff];

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, SeccompArch>>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};

/** What ordinary programs do with processes, files, memory, time, signals and sockets. */
const ALLOWED = `
  execve execveat exit exit_group fork vfork wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal
  getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid geteuid getgid getegid getresuid getresgid getgroups
  setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capget capset prctl arch_prctl seccomp
  landlock_create_ruleset landlock_add_rule landlock_restrict_self set_tid_address set_robust_list get_robust_list rseq
  getrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set sysinfo uname times umask getcpu
  sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler
  sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval restart_syscall membarrier
  rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
  sigaltstack signalfd signalfd4 pause alarm futex futex_waitv futex_wake futex_wait futex_requeue
  mmap munmap mremap mprotect madvise mincore msync brk mlock mlock2 mlockall munlock munlockall memfd_create
  remap_file_pages pkey_alloc pkey_free pkey_mprotect process_mrelease get_mempolicy map_shadow_stack mseal
  open openat openat2 creat close close_range dup dup2 dup3 fcntl flock ioctl pipe pipe2 read readv pread64 preadv preadv2
  write writev pwrite64 pwritev pwritev2 lseek sendfile splice tee copy_file_range readahead fadvise64 fallocate sync syncfs
  fsync fdatasync sync_file_range truncate ftruncate cachestat
  access faccessat faccessat2 chdir fchdir getcwd chmod fchmod fchmodat fchmodat2 chown fchown fchownat lchown link linkat
  symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat mknod mknodat rmdir
  getdents getdents64 stat fstat lstat newfstatat statx statfs fstatfs utime utimes futimesat utimensat
  getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr lremovexattr
  fremovexattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
  select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
  io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents
  time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep getitimer setitimer timer_create timer_delete
  timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime getrandom
  socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
  sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
  shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
  mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedreceive
`;

/** What changes the kernel, the machine or other processes. EPERM says more of it than ENOSYS, and takes a capability besides. */
const FORBIDDEN = `
  mount umount2 mount_setattr move_mount open_tree fsopen fsmount fsconfig fspick pivot_root chroot unshare setns
  ptrace kcmp process_vm_readv process_vm_writev process_madvise pidfd_getfd perf_event_open bpf userfaultfd
  keyctl add_key request_key init_module finit_module delete_module kexec_load kexec_file_load reboot
  swapon swapoff acct quotactl quotactl_fd syslog sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex
  open_by_handle_at name_to_handle_at fanotify_init iopl ioperm vhangup
`;

/**
 * A filter that lets programs do what programs do, and lets nobody near mounts, namespaces, modules, keys, other processes'
 * memory, bpf, io_uring and userfaultfd. A system call that it does not know is ENOSYS, as on an older kernel, so that programs do without.
 * Only programs of this machine's own architecture run.
 */
export function defaultSeccomp(): Seccomp {
  const architecture = ARCHITECTURES[process.arch];
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    ...(architecture && { architectures: [architecture] }),
    syscalls: [
      { names: names(ALLOWED), action: 'SCMP_ACT_ALLOW' },
      { names: names(FORBIDDEN), action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
      // clone3(2) has its flags in memory, where a filter cannot look: it is ENOSYS, and programs take clone(2).
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: CLONE_NEW, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      ...onlyWith('socket', SOCKET_FAMILIES),
      ...onlyWith('personality', PERSONALITIES),
    ],
  };
}

/** A call that is allowed with certain first arguments. */
function onlyWith(name: string, values: readonly number[]): NonNullable<Seccomp['syscalls']> {
  return values.map((value) => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
  }));
}

function names(text: string): string[] {
  return text.trim().split(/\s+/);
}
