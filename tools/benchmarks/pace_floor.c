// The floor of pacing: clock_nanosleep to an absolute time, then one UDP packet of 172 bytes to 127.0.0.1.
//
//   pace_floor PORT SECONDS PERIOD_MS [fifo]     fifo: SCHED_FIFO at priority 10, which needs root
// Build: cc -O2 pace_floor.c -o pace_floor
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

int main(int words, char **word) {
  if (words < 4) {
    fprintf(stderr, "usage: pace_floor PORT SECONDS PERIOD_MS [fifo]\n");
    return 2;
  }
  long period = atol(word[3]) * 1000000L, count = atol(word[2]) * 1000000000L / period;
  prctl(PR_SET_TIMERSLACK, 1);
  if (words > 4 && !strcmp(word[4], "fifo")) {
    struct sched_param parameter = {.sched_priority = 10};
    if (sched_setscheduler(0, SCHED_FIFO, &parameter)) {
      perror("SCHED_FIFO");
      return 1;
    }
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(word[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int out = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(out, (void *)&to, sizeof to)) {
    perror("connect");
    return 1;
  }
  uint8_t packet[172] = {0x80};
  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  for (long index = 0; index < count; index++) {
    packet[2] = index >> 8, packet[3] = index;
    // An error is a receiver that has gone: the next packet is another try.
    if (send(out, packet, sizeof packet, 0) < 0) continue;
    due.tv_nsec += period;
    while (due.tv_nsec >= 1000000000L) due.tv_nsec -= 1000000000L, due.tv_sec++;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, 0)) {}
  }
  return 0;
}
