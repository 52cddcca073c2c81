// The Linux calls that Glibc's Swift module hides, and C names that strict concurrency refuses.
// Errors: the calls keep the kernel's convention, -1 with errno, unless stated otherwise.
#ifndef CSYS_H
#define CSYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Nanoseconds of CLOCK_MONOTONIC.
int64_t sys_monotonic_ns(void);
/// Nanoseconds of CLOCK_REALTIME.
int64_t sys_realtime_ns(void);
/// CPU time of the calling thread in nanoseconds.
int64_t sys_thread_cpu_ns(void);
/// CPU time of the process in nanoseconds.
int64_t sys_process_cpu_ns(void);
/// Peak resident set of the process in kilobytes.
int64_t sys_max_rss_kb(void);

/// Retains a Swift object `count` times at once: one atomic addition (Swift's docs/Runtime.md, `swift_retain_n`).
static inline void sys_retain(void *_Nonnull object, uint32_t count) {
  void *swift_retain_n(void *, uint32_t);
  swift_retain_n(object, count);
}

/// Tells the processor that the thread waits in a loop.
static inline void sys_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

int sys_eventfd(void);
int sys_eventfd_signal(int fd);
void sys_eventfd_drain(int fd);

int sys_epoll_create(void);
/// `op`: 0 add, 1 modify, 2 delete. `events`: bit 0 readable, bit 1 writable, bit 2 edge-triggered. `token` comes back
/// from the wait.
int sys_epoll_control(int epoll, int op, int fd, uint32_t events, uint64_t token);
/// Waits until `timeout_ns` has passed (negative: for ever). Fills `tokens` and `events` (bit 0 readable, bit 1
/// writable, bit 2 hang-up or error) with at most `capacity` entries; returns their number.
int sys_epoll_wait(int epoll, uint64_t *_Nonnull tokens, uint32_t *_Nonnull events, int capacity, int64_t timeout_ns);

/// Asks for pages of 2 MiB where the kernel gives them to those that ask (madvise(2)).
void sys_advise_huge_pages(void *_Nonnull memory, size_t size);

/// Timer slack of the calling thread in nanoseconds.
int sys_set_timer_slack(int64_t ns);
/// SCHED_FIFO for the calling thread. 0, or errno.
int sys_set_fifo_priority(int priority);
/// How long the calling thread, one without real-time priority, may run before others do: the shorter, the sooner it
/// runs when it wakes (EEVDF, Linux 6.12; older kernels take it and do nothing). 0.1 to 100 ms, in nanoseconds. 0, or
/// errno.
int sys_set_slice(int64_t ns);
/// The CPUs that the calling thread may run on. 0, or errno.
int sys_set_affinity(const int *_Nonnull cpus, int count);
/// Fills `cpus` with those that the process may use, rising; their number.
int sys_process_affinity(int *_Nonnull cpus, int capacity);
/// Nice value of the calling thread. 0, or errno.
int sys_set_nice(int value);
/// Keeps what the process has touched, and will touch, in memory. 0, or errno; EPERM also where a limit on locked
/// memory would make later allocations fail.
int sys_lock_memory(void);
/// Name of the calling thread, cut at 15 bytes.
void sys_set_thread_name(const char *_Nonnull name);

/// Writes to standard output or standard error: Swift's strict concurrency refuses the C globals.
/// 0, or errno.
int sys_write_stdout(const void *_Nonnull bytes, size_t count);
int sys_write_stderr(const void *_Nonnull bytes, size_t count);
bool sys_stderr_is_terminal(void);
/// Characters in a line of the terminal that standard error is; 0 where it is none, or does not say.
int sys_stderr_columns(void);

/// For the whole process: a closed pipe (SIGPIPE) and a file at its size limit (SIGXFSZ) are errors of one write, not
/// the end of the process.
void sys_fail_writes_softly(void);
/// Holds the places of standard streams that are closed: a file opened later would become one of them. Reading or
/// writing them still fails with EBADF. Call it before anything is opened.
void sys_reserve_standard_streams(void);
/// A descriptor that becomes readable at SIGINT, SIGTERM and, unless it is ignored, SIGHUP; they are blocked from now
/// on in every new thread.
int sys_termination_descriptor(void);
/// Reads one pending signal from that descriptor: its number, or 0.
int sys_termination_next(int fd);

/// errno's text, thread safe.
void sys_error_text(int code, char *_Nonnull buffer, size_t capacity);

#endif
