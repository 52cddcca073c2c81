// Calls that Glibc's Swift module hides, under names of this module: many datagrams in one call (sendmmsg(2),
// recvmmsg(2)), and epoll(7) for a descriptor that stands for another.
#ifndef CNET_SHIM_H
#define CNET_SHIM_H
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
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

// Room for one control message that holds a size.
struct udp_segment_control {
  unsigned long long words[3];
};

// Has the kernel cut the message into datagrams of `size` bytes, the last one shorter (UDP_SEGMENT, udp(7)). `control`
// lives until it is sent.
static inline void udp_cut(struct udp_message *message, struct udp_segment_control *control, unsigned short size) {
  _Static_assert(sizeof(struct udp_segment_control) == CMSG_SPACE(sizeof(unsigned short)), "one size");
  message->header.msg_control = control;
  message->header.msg_controllen = sizeof *control;
  struct cmsghdr *head = CMSG_FIRSTHDR(&message->header);
  head->cmsg_level = IPPROTO_UDP;
  head->cmsg_type = UDP_SEGMENT;
  head->cmsg_len = CMSG_LEN(sizeof size);
  *(unsigned short *)CMSG_DATA(head) = size;
}

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
