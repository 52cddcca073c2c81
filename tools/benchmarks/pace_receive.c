// Notes when the kernel got each RTP packet on a UDP port of 127.0.0.1, until SECONDS have passed or its input ends.
//
//   pace_receive SECONDS FILE      first prints its port
// FILE gets 16 bytes a packet, in the machine's order: source (32 bits), sequence number (32), and the time of receipt
// in ns of CLOCK_MONOTONIC (64), which SO_TIMESTAMPNS tells on the wall's clock and is moved here by what lies between
// them. Build: cc -O2 pace_receive.c -o pace_receive
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, SIZE = 64 };
static uint8_t bytes[MOST][SIZE], control[MOST][128];

static int64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int words, char **word) {
  if (words < 3) {
    fprintf(stderr, "usage: pace_receive SECONDS FILE\n");
    return 2;
  }
  FILE *file = fopen(word[2], "wb");
  int in = socket(AF_INET, SOCK_DGRAM, 0), one = 1, room = 32 << 20;
  setsockopt(in, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
  if (setsockopt(in, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room)) setsockopt(in, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof own;
  if (!file || bind(in, (void *)&own, sizeof own) || getsockname(in, (void *)&own, &length)) {
    perror("pace_receive");
    return 1;
  }
  printf("%d\n", ntohs(own.sin_port));
  fflush(stdout);
  struct mmsghdr messages[MOST];
  struct iovec parts[MOST];
  int64_t end = clock_ns(CLOCK_MONOTONIC) + atoll(word[1]) * 1000000000LL;
  for (;;) {
    struct pollfd wait[2] = {{.fd = in, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    poll(wait, 2, 200);
    char byte;
    if (wait[1].revents && read(0, &byte, 1) <= 0) break;
    if (clock_ns(CLOCK_MONOTONIC) > end) break;
    if (!wait[0].revents) continue;
    for (int index = 0; index < MOST; index++) {
      parts[index] = (struct iovec){bytes[index], SIZE};
      messages[index].msg_hdr = (struct msghdr){
          .msg_iov = &parts[index], .msg_iovlen = 1, .msg_control = control[index], .msg_controllen = sizeof control[index]};
    }
    int count = recvmmsg(in, messages, MOST, MSG_DONTWAIT, 0);
    // The wall's clock may be slewed: what lies between the clocks is looked up each time.
    int64_t before = clock_ns(CLOCK_MONOTONIC), wall = clock_ns(CLOCK_REALTIME), after = clock_ns(CLOCK_MONOTONIC);
    int64_t between = wall - (before + after) / 2;
    for (int index = 0; index < count; index++) {
      struct cmsghdr *head = CMSG_FIRSTHDR(&messages[index].msg_hdr);
      if (messages[index].msg_len < 12 || !head || head->cmsg_type != SCM_TIMESTAMPNS) continue;
      struct timespec *at = (void *)CMSG_DATA(head);
      uint8_t *packet = bytes[index];
      struct {
        uint32_t source, number;
        int64_t ns;
      } row = {(uint32_t)packet[8] << 24 | packet[9] << 16 | packet[10] << 8 | packet[11], packet[2] << 8 | packet[3],
               at->tv_sec * 1000000000LL + at->tv_nsec - between};
      fwrite(&row, sizeof row, 1, file);
    }
  }
  return fclose(file) ? 1 : 0;
}
