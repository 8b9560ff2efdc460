// System calls that a shell and a runtime's last steps before execve need, on any machine; mkdir is not among them.

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
