// Filters for the checks of seccomp, which are all about mkdir(2).

import type { SyscallRule } from './config.ts';
import type { Edit } from './trial.ts';

/** mkdir(2) under the names that C libraries and machines have for it. */
export const MKDIR = ['mkdir', 'mkdirat'];

/** linux/errno.h. */
export const ENOSPC_NUMBER = 28;

/** The architecture of this machine. */
export const NATIVE = process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64';

/** A filter that allows what it does not name. */
export const filtering =
  (...syscalls: SyscallRule[]): Edit =>
  (config) => {
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls };
  };

/** What a shell, and a runtime's last steps before execve, need on any machine; mkdir is not among them. */
export const COMMON_SYSCALLS = (
  'accept accept4 access arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime ' +
  'clock_nanosleep clone clone3 close close_range connect dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait ' +
  'epoll_wait eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fchdir fchmod fchmodat ' +
  'fchown fchownat fcntl fork fstat fstatfs fsync ftruncate futex getcwd getdents getdents64 getegid geteuid ' +
  'getgid getgroups getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid ' +
  'getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid ioctl kill lseek lstat madvise ' +
  'membarrier mmap mprotect mremap munmap nanosleep newfstatat open openat openat2 pause pipe pipe2 poll ppoll ' +
  'prctl pread64 prlimit64 pselect6 pwrite64 read readlink readlinkat readv recvfrom recvmsg restart_syscall rmdir ' +
  'rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_getaffinity ' +
  'sched_yield seccomp select sendmsg sendto set_robust_list set_tid_address setgid setgroups setpgid setpriority ' +
  'setresgid setresuid setrlimit setsid setsockopt setuid shutdown sigaltstack socket socketpair stat statfs statx ' +
  'symlink symlinkat sysinfo tgkill time tkill umask uname unlink unlinkat utimensat vfork wait4 waitid write writev'
).split(' ');
