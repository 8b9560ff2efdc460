// tsoci: what a person or an engine executes. It finds a server (server-socket.ts) or starts the runtime, tells it what it was
// given (request.ts), and is a stub from then on: it executes the programs that come back, until one of them is exit_group. All that a process owns or
// passes on is so the caller's own, never that of a JavaScript engine: limits, umask, cgroup, keyring, terminal, descriptors.
//
// There is no C library. The loop is that of the stub, src/stub/stub-*.S.

#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/types.h>

enum { STDIN, STDOUT, STDERR, STDIO };

// bits/socket.h and bits/poll.h, which are the C library's.
enum { AF_UNIX = 1, SOCK_SEQPACKET = 5, SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_NOSIGNAL = 0x4000 };
enum { SO_PEERCRED = 17, POLLIN = 1 };

// A server that has a worker for us answers at once. While all its workers are busy we wait, as many others may with us: to start
// a runtime takes a processor longer than most commands, and those that last are given up for another worker by then.
enum { GREETING_NANOSECONDS = 250 * 1000 * 1000 };

// Its number in the runtime.
enum { RUNTIME_SOCKET = 3 };
enum { FAILURE = 1, NOT_EXECUTED = 127 };
// Bytes in one message: well below the default socket buffer (net.core.wmem_default, 212992).
enum { CHUNK = 0x10000 };
enum { PATH_MAX = 4096, LAST_SIGNAL = 64 };

// The first message of a request; request.ts has the format.
struct header {
  char magic[8];
  __u32 argc, envc, length, control;
};

// sendmsg(2), cmsg(3)
struct vector {
  const void *base;
  __u64 length;
};
struct message {
  void *name;
  __u64 name_length;
  struct vector *vectors;
  __u64 vector_count;
  void *control;
  __u64 control_length;
  __u64 flags;
};
struct rights {
  __u64 length;
  int level, type;
  int fds[STDIO];
};

void drive(long control) __attribute__((noreturn));
void ended(long result) __attribute__((noreturn));

// 0 when a server is the runtime, which is no child of ours.
static int runtime;

// Ours of the socket.
static int connection;

// The first message of a request, and what a server greets with.
static const char magic[8] = "tsoci 1";

#if defined(__x86_64__)
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x0, sp\n bl begin\n");

static long system_call(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#endif

// SYSCALL(close, fd): the result, or -errno.
#define SYSCALL(name, ...) SIX_ARGUMENTS(__NR_##name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SIX_ARGUMENTS(number, a, b, c, d, e, f, ...) \
  system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static unsigned long length_of(const char *text) {
  unsigned long length = 0;
  while (text[length] != 0) length++;
  return length;
}

// One line on standard error, made of pieces.
struct line {
  char text[PATH_MAX + 256];
  unsigned long length;
};

static void add(struct line *line, const char *text) {
  while (*text != 0 && line->length < sizeof line->text) line->text[line->length++] = *text++;
}

static void add_number(struct line *line, long number) {
  char digits[20];
  unsigned long at = sizeof digits;
  digits[--at] = 0;
  do digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  add(line, digits + at);
}

static void add_errno(struct line *line, long number) {
  switch (number) {
    case ENOENT: return add(line, "ENOENT (No such file or directory)");
    case EACCES: return add(line, "EACCES (Permission denied)");
    case EAGAIN: return add(line, "EAGAIN (Resource temporarily unavailable); is the limit of processes reached?");
    case ENOMEM: return add(line, "ENOMEM (Cannot allocate memory)");
    case EMFILE: return add(line, "EMFILE (Too many open files)");
    case ENFILE: return add(line, "ENFILE (Too many open files in system)");
    default: add(line, "errno "); add_number(line, number);
  }
}

static void __attribute__((noreturn)) exit_group(int status) {
  for (;;) SYSCALL(exit_group, status);
}

static void __attribute__((noreturn)) leave(struct line *line, int status) {
  add(line, "\n");
  SYSCALL(write, STDERR, line->text, line->length);
  exit_group(status);
}

// "tsoci: WHAT PATH: ENOENT (No such file or directory)"
static void __attribute__((noreturn)) fail(const char *what, const char *path, long result, int status) {
  struct line line;
  line.length = 0;
  add(&line, "tsoci: ");
  add(&line, what);
  add(&line, path);
  add(&line, ": ");
  add_errno(&line, -result);
  leave(&line, status);
}

static long must(long result, const char *what) {
  if (result < 0) fail(what, "", result, FAILURE);
  return result;
}

// Nobody sends programs any more, or hears what came of one.
void ended(long result) {
  // A child that was to become something else and could not: its control descriptor is none. The launcher shares memory
  // with it, finds the error there, and tells the runtime.
  if (result == -EBADF) exit_group(FAILURE);
  // A runtime that is there still reads end of file: from us, whose reply could not be sent, and from children that have
  // ended, whose ends of sockets we may still have.
  SYSCALL(close_range, STDIO, ~0U, 0);
  int status = 0;
  if (runtime != 0) SYSCALL(wait4, runtime, &status, 0, 0);
  // It has said why by itself.
  if (status >> 8 == NOT_EXECUTED) exit_group(FAILURE);
  struct line line;
  line.length = 0;
  if (runtime == 0) {
    add(&line, "tsoci: the server has died");
    leave(&line, FAILURE);
  }
  int signal = status & 0x7f;
  add(&line, "tsoci: the runtime has died (");
  add(&line, signal != 0 ? "killed by signal " : "exit status ");
  add_number(&line, signal != 0 ? signal : status >> 8);
  add(&line, ")");
  leave(&line, FAILURE);
}

// What is opened later must not be taken for a standard stream.
static void open_standard_streams(void) {
  for (int fd = STDIN; fd < STDIO; fd++) {
    if (SYSCALL(fcntl, fd, F_GETFD) != -EBADF) continue;
    if (SYSCALL(openat, AT_FDCWD, "/dev/null", O_RDWR) != fd) exit_group(FAILURE);
  }
}

static void set_default(int signal) {
  static const struct { void *handler; unsigned long flags; void *restorer; __u64 mask; } action;
  SYSCALL(rt_sigaction, signal, &action, 0, sizeof action.mask);
}

// Cuts the last part off a path.
static void to_parent(char *path) {
  unsigned long length = length_of(path);
  while (length > 0 && path[length - 1] != '/') length--;
  path[length > 0 ? length - 1 : 0] = 0;
}

// Executes a file in or below the directory; returns if there is none.
static void try_execute(const char *directory, const char *name) {
  static struct line path;
  static const char *const argv[] = {"tsoci-runtime", 0};
  // Nothing of the caller's: BUN_OPTIONS or NODE_OPTIONS would have the engine execute a file of the caller's choice.
  // Without machine code, since that would be ready when the command is done: a third less processor time for run.
  static const char *const envp[] = {"BUN_JSC_useJIT=0", 0};
  path.length = 0;
  add(&path, directory);
  add(&path, name);
  path.text[path.length] = 0;
  long result = SYSCALL(execve, path.text, argv, envp);
  if (result != -ENOENT) fail("execute ", path.text, result, NOT_EXECUTED);
}

static void raise_limit(int resource) {
  struct { __u64 soft, hard; } limit;
  SYSCALL(prlimit64, 0, resource, 0, &limit);
  limit.soft = limit.hard;
  SYSCALL(prlimit64, 0, resource, &limit, 0);
}

static void before_execution(long result, const char *what) {
  if (result < 0) fail(what, "", result, NOT_EXECUTED);
}

// The child until it executes the runtime. It shares our memory and we wait for it: it calls only what does not return.
static void __attribute__((noreturn, noinline)) become_runtime(int socket) {
  // Signals of the terminal and of process groups are for us alone.
  SYSCALL(setsid, 0);
  for (int signal = 1; signal <= LAST_SIGNAL; signal++) set_default(signal);
  __u64 none = 0;
  SYSCALL(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  // An engine reserves gigabytes of addresses, and what is written is the state of containers: soft limits are not for it.
  static const int limits[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE};
  for (unsigned long i = 0; i < sizeof limits / sizeof *limits; i++) raise_limit(limits[i]);
  static char directory[PATH_MAX];
  long length = SYSCALL(readlinkat, AT_FDCWD, "/proc/self/exe", directory, sizeof directory - 1);
  before_execution(length, "is /proc mounted? find out where tsoci lies: /proc/self/exe");
  directory[length] = 0;
  to_parent(directory);
  long placed = socket != RUNTIME_SOCKET ? SYSCALL(dup3, socket, RUNTIME_SOCKET, 0) : SYSCALL(fcntl, socket, F_SETFD, 0);
  before_execution(placed, "give the runtime its socket");
  before_execution(SYSCALL(close_range, RUNTIME_SOCKET + 1, ~0U, 0), "close what is not for the runtime");
  // What an engine reads where it starts must not be the caller's.
  before_execution(SYSCALL(chdir, "/"), "change to /");
  try_execute(directory, "/tsoci-runtime");
  to_parent(directory);
  try_execute(directory, "/libexec/tsoci/tsoci-runtime");
  fail("execute tsoci-runtime, beside tsoci or in ", "../libexec/tsoci", -ENOENT, NOT_EXECUTED);
}

static void start_runtime(int socket) {
  long pid = SYSCALL(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0);
  if (pid == 0) become_runtime(socket);
  runtime = (int)must(pid, "start the runtime");
}

// The request: a header with descriptors 0 to 2, then the strings of the arguments and of the environment. They lie one
// behind the other (fs/exec.c: copy_strings). Not 0: nobody is there to receive it.
static int send_request(int socket, int argc, char **argv, char **envp) {
  struct header header = {{0}, (__u32)argc, 0, 0, (__u32)socket};
  for (unsigned long i = 0; i < sizeof magic; i++) header.magic[i] = magic[i];
  char **last = argv;
  for (char **each = argv; *each != 0; each++) last = each;
  for (char **each = envp; *each != 0; each++, header.envc++) last = each;
  const char *strings = argc > 0 ? argv[0] : envp[0];
  if (*last != 0) header.length = (__u32)(*last + length_of(*last) + 1 - strings);

  // The padding at the end does not count: it would be one descriptor more.
  struct rights rights = {__builtin_offsetof(struct rights, fds) + STDIO * sizeof(int), SOL_SOCKET, SCM_RIGHTS,
                          {STDIN, STDOUT, STDERR}};
  struct vector vector = {&header, sizeof header};
  struct message message = {0, 0, &vector, 1, &rights, sizeof rights, 0};
  if (SYSCALL(sendmsg, socket, &message, MSG_NOSIGNAL) < 0) return -1;
  for (unsigned long at = 0; at < header.length; at += CHUNK) {
    unsigned long rest = header.length - at;
    if (SYSCALL(sendto, socket, strings + at, rest < CHUNK ? rest : CHUNK, MSG_NOSIGNAL) < 0) return -1;
  }
  return 0;
}

// The value of a variable, or 0.
static const char *variable(char **envp, const char *name) {
  unsigned long length = length_of(name);
  for (; *envp != 0; envp++) {
    unsigned long same = 0;
    while (same < length && (*envp)[same] == name[same]) same++;
    if (same == length && (*envp)[length] == '=') return *envp + length + 1;
  }
  return 0;
}

// Whether the server is one of this user's and of this version of tsoci, and takes us.
static int is_greeted(int socket, unsigned user) {
  struct { int pid; unsigned user, group; } peer = {0, 0, 0};
  __u32 size = sizeof peer;
  if (SYSCALL(getsockopt, socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.user != user) return 0;
  struct { int fd; short events, revents; } wanted = {socket, POLLIN, 0};
  struct { __s64 seconds, nanoseconds; } timeout = {0, GREETING_NANOSECONDS};
  if (SYSCALL(ppoll, &wanted, 1, &timeout, 0, 0) != 1) return 0;
  char greeting[sizeof magic];
  if (SYSCALL(recvfrom, socket, greeting, sizeof greeting) != sizeof greeting) return 0;
  for (unsigned long i = 0; i < sizeof magic; i++)
    if (greeting[i] != magic[i]) return 0;
  return 1;
}

// A socket to a server, or -1.
static int connect_server(char **envp) {
  // In zeroed memory: there is no memcpy to lay out a copy.
  static struct { unsigned short family; char path[108]; } address;
  address.family = AF_UNIX;
  struct line path;
  path.length = 0;
  unsigned user = (unsigned)SYSCALL(geteuid, 0);
  const char *parent = user == 0 ? "/run" : variable(envp, "XDG_RUNTIME_DIR");
  if (parent == 0 || *parent != '/') return -1;
  add(&path, parent);
  add(&path, "/tsoci-serve/socket");
  if (path.length >= sizeof address.path) return -1;
  for (unsigned long i = 0; i < path.length; i++) address.path[i] = path.text[i];
  long socket = SYSCALL(socket, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC | O_NONBLOCK, 0);
  if (socket < 0) return -1;
  if (SYSCALL(connect, socket, &address, sizeof address) == 0 && is_greeted((int)socket, user)) {
    // O_NONBLOCK is taken back: programs are waited for.
    SYSCALL(fcntl, socket, F_SETFL, 0);
    return (int)socket;
  }
  SYSCALL(close, socket);
  return -1;
}

// Starts a runtime of our own. Ours of the socket to it.
static int own_runtime(void) {
  int sockets[2];
  must(SYSCALL(socketpair, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0, sockets), "make a socket pair");
  start_runtime(sockets[1]);
  SYSCALL(close, sockets[1]);
  return sockets[0];
}

// What the kernel has put on the stack: argc, argv and envp, each with a null behind it.
void __attribute__((noreturn, used)) begin(long *stack) {
  int argc = (int)stack[0];
  char **argv = (char **)(stack + 1);
  open_standard_streams();
  // Whoever ignores it has no children to wait for (wait(2)), and hands that on by execve.
  set_default(SIGCHLD);
  char **envp = argv + argc + 1;
  connection = connect_server(envp);
  // A server that ends before it has our request has begun nothing for us.
  if (connection >= 0 && send_request(connection, argc, argv, envp) != 0) {
    SYSCALL(close, connection);
    connection = -1;
  }
  if (connection < 0) {
    connection = own_runtime();
    if (send_request(connection, argc, argv, envp) != 0) ended(0);
  }
  drive(connection);
}
