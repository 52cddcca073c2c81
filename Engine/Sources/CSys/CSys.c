#define _GNU_SOURCE
#include "CSys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t sys_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
int64_t sys_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }
int64_t sys_thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
int64_t sys_process_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

int64_t sys_max_rss_kb(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

int sys_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int sys_eventfd_signal(int fd) {
  uint64_t one = 1;
  return write(fd, &one, sizeof one) == sizeof one ? 0 : -1;
}

void sys_eventfd_drain(int fd) {
  uint64_t value;
  ssize_t ignored = read(fd, &value, sizeof value);
  (void)ignored;
}

int sys_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int sys_epoll_control(int epoll, int op, int fd, uint32_t events, uint64_t token) {
  static const int operations[] = {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
  struct epoll_event event = {
      .events = (events & 1 ? EPOLLIN : 0) | (events & 2 ? EPOLLOUT : 0) | (events & 4 ? EPOLLET : 0), .data.u64 = token};
  return epoll_ctl(epoll, operations[op], fd, &event);
}

// epoll_pwait2 is missing before Linux 5.11, in some containers and under valgrind. There ppoll on the epoll descriptor
// waits to the nanosecond in its place; to go on without would be to spin.
static int wait_for_events(int epoll, struct epoll_event *ready, int capacity, const struct timespec *timeout) {
  static atomic_bool is_missing;
  if (!atomic_load_explicit(&is_missing, memory_order_relaxed)) {
    int count = epoll_pwait2(epoll, ready, capacity, timeout, NULL);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    atomic_store_explicit(&is_missing, true, memory_order_relaxed);
  }
  struct pollfd waiting = {.fd = epoll, .events = POLLIN};
  if (ppoll(&waiting, 1, timeout, NULL) <= 0) return 0;
  return epoll_wait(epoll, ready, capacity, 0);
}

int sys_epoll_wait(int epoll, uint64_t *tokens, uint32_t *events, int capacity, int64_t timeout_ns) {
  struct epoll_event ready[64];
  if (capacity > 64) capacity = 64;
  struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  int count = wait_for_events(epoll, ready, capacity, timeout_ns < 0 ? NULL : &timeout);
  for (int i = 0; i < count; i++) {
    tokens[i] = ready[i].data.u64;
    events[i] = (ready[i].events & EPOLLIN ? 1 : 0) | (ready[i].events & EPOLLOUT ? 2 : 0) |
                (ready[i].events & (EPOLLHUP | EPOLLERR) ? 4 : 0);
  }
  return count;
}

void sys_advise_huge_pages(void *memory, size_t size) { madvise(memory, size, MADV_HUGEPAGE); }

int sys_set_timer_slack(int64_t ns) { return prctl(PR_SET_TIMERSLACK, (unsigned long)ns, 0, 0, 0); }

int sys_set_fifo_priority(int priority) {
  struct sched_param parameter = {.sched_priority = priority};
  return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter);
}

// The C library declares this structure only since glibc 2.41 (sched_setattr(2)).
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

int sys_set_slice(int64_t ns) {
  struct scheduling now = {.size = sizeof now};
  if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0)) return errno;
  now.runtime = (uint64_t)ns;
  return syscall(SYS_sched_setattr, 0, &now, 0) ? errno : 0;
}

// CPUs beyond CPU_SETSIZE need a set that is allocated.
enum { most_cpus = 8192 };

int sys_set_affinity(const int *cpus, int count) {
  cpu_set_t *set = CPU_ALLOC(most_cpus);
  size_t size = CPU_ALLOC_SIZE(most_cpus);
  if (!set) return ENOMEM;
  CPU_ZERO_S(size, set);
  for (int i = 0; i < count; i++)
    if (cpus[i] >= 0 && cpus[i] < most_cpus) CPU_SET_S(cpus[i], size, set);
  int code = sched_setaffinity(0, size, set) == 0 ? 0 : errno;
  CPU_FREE(set);
  return code;
}

int sys_process_affinity(int *cpus, int capacity) {
  cpu_set_t *set = CPU_ALLOC(most_cpus);
  size_t size = CPU_ALLOC_SIZE(most_cpus);
  int count = 0;
  if (!set) return 0;
  if (sched_getaffinity(getpid(), size, set) == 0)
    for (int cpu = 0; cpu < most_cpus && count < capacity; cpu++)
      if (CPU_ISSET_S(cpu, size, set)) cpus[count++] = cpu;
  CPU_FREE(set);
  return count;
}

int sys_set_nice(int value) { return setpriority(PRIO_PROCESS, (id_t)gettid(), value) == 0 ? 0 : errno; }

// CAP_IPC_LOCK lifts the limit on locked memory (mlock(2)); without it a later allocation could fail for that limit.
static bool may_lock_without_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0}};
  return syscall(SYS_capget, &header, data) == 0 && (data[0].effective >> CAP_IPC_LOCK & 1);
}

int sys_lock_memory(void) {
  if (!may_lock_without_limit()) return EPERM;
  // Pages are locked when they are first touched: a thread's stack is not made whole for it.
  return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0 : errno;
}

void sys_set_thread_name(const char *name) {
  char cut[16];
  strncpy(cut, name, 15);
  cut[15] = 0;
  pthread_setname_np(pthread_self(), cut);
}

static int write_whole(int fd, const char *bytes, size_t count) {
  while (count) {
    ssize_t written = write(fd, bytes, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        struct pollfd waiting = {.fd = fd, .events = POLLOUT};
        if (poll(&waiting, 1, 1000) > 0) continue;
      }
      return errno;
    }
    bytes += written;
    count -= (size_t)written;
  }
  return 0;
}

int sys_write_stdout(const void *bytes, size_t count) { return write_whole(STDOUT_FILENO, bytes, count); }
int sys_write_stderr(const void *bytes, size_t count) { return write_whole(STDERR_FILENO, bytes, count); }
bool sys_stderr_is_terminal(void) { return isatty(STDERR_FILENO) == 1; }

int sys_stderr_columns(void) {
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void sys_fail_writes_softly(void) {
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

void sys_reserve_standard_streams(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free descriptor is this one. Opened the wrong way round, so that its use fails as it would have.
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

int sys_termination_descriptor(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // A blocked signal comes even if it is ignored: under nohup it is to stay ignored.
  struct sigaction hangup;
  if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaddset(&set, SIGHUP);
  if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int sys_termination_next(int fd) {
  struct signalfd_siginfo info;
  return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

void sys_error_text(int code, char *buffer, size_t capacity) {
  const char *text = strerror_r(code, buffer, capacity);
  if (text != buffer) {
    strncpy(buffer, text, capacity - 1);
    buffer[capacity - 1] = 0;
  }
}
