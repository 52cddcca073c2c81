// Many datagrams in one call: sendmmsg(2) and recvmmsg(2), which Glibc's Swift module hides, under names of their own.
#ifndef CUDP_SHIM_H
#define CUDP_SHIM_H
#include <netdb.h>
#include <netinet/in.h>
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

#endif
