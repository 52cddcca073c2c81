// The cost of passing a wake-up from thread to thread without an engine: COUNT threads that each wait in epoll for an
// eventfd and write the next one's, started RATE times a second. A paced frame goes through lanes in this way.
//
//   wake_floor COUNT RATE TICKS
// Build: cc -O2 wake_floor.c -o wake_floor -lpthread
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };
static int count, wakes[MOST], sets[MOST];

static void rouse(int index) {
  uint64_t one = 1;
  if (write(wakes[index], &one, sizeof one) != sizeof one) abort();
}

static void *body(void *argument) {
  int index = (int)(intptr_t)argument;
  for (;;) {
    struct epoll_event event;
    if (epoll_wait(sets[index], &event, 1, -1) != 1) abort();
    if (index + 1 < count) rouse(index + 1);
  }
}

int main(int words, char **word) {
  if (words != 4 || (count = atoi(word[1])) < 1 || count > MOST || atoi(word[2]) < 1) {
    fprintf(stderr, "usage: wake_floor COUNT RATE TICKS\n");
    return 2;
  }
  long step = 1000000000L / atoi(word[2]);
  int ticks = atoi(word[3]);
  for (int index = 0; index < count; index++) {
    wakes[index] = eventfd(0, EFD_NONBLOCK);
    sets[index] = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (epoll_ctl(sets[index], EPOLL_CTL_ADD, wakes[index], &event)) abort();
    pthread_t thread;
    if (pthread_create(&thread, 0, body, (void *)(intptr_t)index)) abort();
  }
  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  for (int tick = 0; tick < ticks; tick++) {
    due.tv_nsec += step;
    while (due.tv_nsec >= 1000000000L) due.tv_nsec -= 1000000000L, due.tv_sec++;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, 0);
    rouse(0);
  }
  // The last tick arrives everywhere; threads that missed one on a busy machine would wait for ever.
  usleep(100000);
  return 0;
}
