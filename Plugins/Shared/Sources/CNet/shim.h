// Calls that Glibc's Swift module hides, under names of this module: many datagrams in one call (sendmmsg(2),
// recvmmsg(2)), and epoll(7) for a descriptor that stands for another.
#ifndef CNET_SHIM_H
#define CNET_SHIM_H
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

// The layout of struct mmsghdr.
struct udp_message {
  struct msghdr header;
  unsigned int count;
};

int udp_send(int fd, struct udp_message *messages, unsigned int count, int flags) __asm__("sendmmsg");
int udp_receive(int fd, struct udp_message *messages, unsigned int count, int flags, struct timespec *timeout) __asm__(
    "recvmmsg");

static inline int net_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

// Ready while `fd` is readable; with `once`, no more until something new comes.
static inline int net_epoll_watch(int epoll, int fd, int is_new, int once) {
  struct epoll_event event = {.events = EPOLLIN | (once ? EPOLLET : 0u)};
  return epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

// Takes what is ready.
static inline int net_epoll_take(int epoll) {
  struct epoll_event event;
  return epoll_wait(epoll, &event, 1, 0);
}

#endif
