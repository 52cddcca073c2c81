// Pictures that carry their number, for measuring what a path from raw picture to decoded picture takes.
//
//   latency_frames send WIDTH HEIGHT FPS COUNT LOG     i420 pictures to standard output, in real time
//   latency_frames recv WIDTH HEIGHT LOG               i420 pictures from standard input
//
// LOG gets a line a picture: its number and CLOCK_MONOTONIC in nanoseconds, of the sender just before it writes the
// first byte, of the receiver when it has read the last one; -1 for a picture whose number cannot be read. The number
// is drawn as the engine's VideoFrame.NumberCode describes: 32 cells, 24 bits in Gray code and an inverted CRC-8. Build:
// cc -O2 latency_frames.c -o latency_frames
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { backgrounds = 16 };

static int width, height;
static size_t size;

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void wait_until(int64_t instant) {
  struct timespec t = {.tv_sec = instant / 1000000000, .tv_nsec = instant % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
  }
}

static uint8_t check(uint32_t value) {
  uint8_t crc = 0;
  for (int shift = 16; shift >= 0; shift -= 8) {
    crc ^= (uint8_t)(value >> shift);
    for (int bit = 0; bit < 8; bit++) crc = crc & 0x80 ? (uint8_t)(crc << 1 ^ 0x07) : (uint8_t)(crc << 1);
  }
  return (uint8_t)~crc;
}

static void fill(uint8_t *picture, int left, int top, int right, int bottom, uint8_t value) {
  for (int y = top; y < bottom; y++) memset(picture + (size_t)y * width + left, value, (size_t)(right - left));
}

static void draw_number(uint8_t *picture, uint32_t number) {
  uint32_t value = number & 0xffffff;
  uint32_t cells = (value ^ value >> 1) << 8 | check(value);
  fill(picture, 15 * width / 64, 29 * height / 36, 49 * width / 64, 35 * height / 36, 16);
  for (int cell = 0; cell < 32; cell++) {
    int column = 8 + cell % 16, row = 15 + cell / 16;
    fill(picture, column * width / 32, row * height / 18, (column + 1) * width / 32, (row + 1) * height / 18,
         cells >> (31 - cell) & 1 ? 235 : 16);
  }
}

static int64_t read_number(const uint8_t *picture) {
  uint32_t cells = 0;
  for (int cell = 0; cell < 32; cell++) {
    int column = 8 + cell % 16, row = 15 + cell / 16;
    int left = column * width / 32, right = (column + 1) * width / 32;
    int top = row * height / 18, bottom = (row + 1) * height / 18;
    int inset_x = (right - left) / 4, inset_y = (bottom - top) / 4;
    long sum = 0, count = 0;
    for (int y = top + inset_y; y < bottom - inset_y; y++)
      for (int x = left + inset_x; x < right - inset_x; x++, count++) sum += picture[(size_t)y * width + x];
    cells = cells << 1 | (sum > 126 * count);
  }
  uint32_t value = cells >> 8;
  for (int shift = 16; shift > 0; shift /= 2) value ^= value >> shift;
  return check(value) == (cells & 0xff) ? (int64_t)value : -1;
}

// A texture that drifts by 8 pixels a picture, with some detail: neither trivial nor noise.
static void draw_background(uint8_t *picture, int step) {
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      picture[(size_t)y * width + x] = (uint8_t)(40 + ((x + step * 8) / 16 * 37 + y / 16 * 53 + (x * y >> 9)) % 160);
  memset(picture + (size_t)width * height, 110 + step, size / 6);
  memset(picture + (size_t)width * height + size / 6, 140 - step, size - (size_t)width * height - size / 6);
}

static int send_pictures(int fps, int count, FILE *log) {
  uint8_t *all[backgrounds], *picture = malloc(size);
  for (int i = 0; i < backgrounds; i++) draw_background(all[i] = malloc(size), i);
  fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20);
  int64_t start = now() + 50000000;
  for (int number = 0; number < count; number++) {
    memcpy(picture, all[number % backgrounds], size);
    draw_number(picture, (uint32_t)number);
    wait_until(start + (int64_t)number * 1000000000 / fps);
    fprintf(log, "%d %lld\n", number, (long long)now());
    fflush(log);
    for (size_t done = 0; done < size;) {
      ssize_t written = write(STDOUT_FILENO, picture + done, size - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return 0;
      done += (size_t)written;
    }
  }
  return 0;
}

static int receive_pictures(FILE *log) {
  uint8_t *picture = malloc(size);
  fcntl(STDIN_FILENO, F_SETPIPE_SZ, 1 << 20);
  while (1) {
    for (size_t done = 0; done < size;) {
      ssize_t got = read(STDIN_FILENO, picture + done, size - done);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return 0;
      done += (size_t)got;
    }
    int64_t instant = now();
    fprintf(log, "%lld %lld\n", (long long)read_number(picture), (long long)instant);
    fflush(log);
  }
}

int main(int argc, char **argv) {
  int sends = argc == 7 && strcmp(argv[1], "send") == 0;
  if (!sends && !(argc == 5 && strcmp(argv[1], "recv") == 0)) {
    fprintf(stderr, "usage: latency_frames send WIDTH HEIGHT FPS COUNT LOG | recv WIDTH HEIGHT LOG\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  width = atoi(argv[2]);
  height = atoi(argv[3]);
  size = (size_t)width * height * 3 / 2;
  FILE *log = fopen(argv[argc - 1], "w");
  if (!log) return perror(argv[argc - 1]), 1;
  return sends ? send_pictures(atoi(argv[4]), atoi(argv[5]), log) : receive_pictures(log);
}
