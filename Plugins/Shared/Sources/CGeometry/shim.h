// Blocks of pixels whose rows become columns. In C since Swift's vectors cannot be interleaved.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t sluice_bytes16 __attribute__((vector_size(16)));

// To interleave the upper half of 16 rows with the lower one moves one bit of a byte's place; after four times the bits
// of row and column have changed places. `low` and `high` interleave the halves of two rows.
// Unrolled, since else the rows stay in memory, which takes five times as long.
#define SLUICE_INTERLEAVE_ROWS(a, b, low, high)                      \
  _Pragma("clang loop unroll(full)") for (int pass = 0; pass < 4; pass++) { \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) { \
      b[2 * i] = low(a[i], a[i + 8]);                                \
      b[2 * i + 1] = high(a[i], a[i + 8]);                           \
    }                                                                \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) a[i] = b[i]; \
  }

#define SLUICE_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SLUICE_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

// 16x16 bytes.
static inline void sluice_transpose_16x16(const uint8_t *from, ptrdiff_t stride, uint8_t *to, ptrdiff_t to_stride) {
  sluice_bytes16 a[16], b[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) memcpy(&a[i], from + i * stride, 16);
  SLUICE_INTERLEAVE_ROWS(a, b, SLUICE_LOW, SLUICE_HIGH)
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) memcpy(to + i * to_stride, &a[i], 16);
}

// `rows` x `columns` pixels of `size` bytes; pixel x of row y goes to row x, place y.
static inline void sluice_transpose_block(
    const uint8_t *from, ptrdiff_t stride, uint8_t *to, ptrdiff_t to_stride, int columns, int rows, int size) {
  for (int x = 0; x < columns; x++)
    for (int y = 0; y < rows; y++) memcpy(to + x * to_stride + y * size, from + y * stride + x * size, size);
}

// Asks for what the next but one line of the cache holds in each row that is read, and for the rows that are written
// two blocks on. These are more rows than the processor follows by itself: pictures that are not in the cache take half
// as long (1280x720: 160 us, not 460). To ask for what lies behind the picture does nothing.
static inline void sluice_prefetch_rows(const uint8_t *from, ptrdiff_t stride, int rows) {
  for (int y = 0; y < rows; y++) __builtin_prefetch(from + y * stride + 128);
}
static inline void sluice_prefetch_columns(const uint8_t *to, ptrdiff_t to_stride, int columns) {
  for (int x = 32; x < 32 + columns; x++) __builtin_prefetch(to + x * to_stride, 1);
}

// The whole plane, in bands of 64 rows, so that each line of the cache is written whole. Strides may be negative.
static inline void sluice_transpose_plain(
    const uint8_t *from, ptrdiff_t stride, uint8_t *to, ptrdiff_t to_stride, int columns, int rows, int size) {
  for (int band = 0; band < rows; band += 64)
    for (int x = 0; x < columns; x += 16)
      for (int y = band; y < rows && y < band + 64; y += 16) {
        const uint8_t *block = from + y * stride + x * size;
        uint8_t *place = to + x * to_stride + y * size;
        int width = columns - x < 16 ? columns - x : 16, height = rows - y < 16 ? rows - y : 16;
        // One line of the cache holds four blocks of single bytes, in a row as in a column.
        if (size > 1 || x % 64 == 0) sluice_prefetch_rows(block, stride, height);
        if (size > 1 || y == band) sluice_prefetch_columns(place, to_stride, width);
        if (size == 1 && width == 16 && height == 16)
          sluice_transpose_16x16(block, stride, place, to_stride);
        else if (size == 1)
          sluice_transpose_block(block, stride, place, to_stride, width, height, 1);
        else if (size == 2)
          sluice_transpose_block(block, stride, place, to_stride, width, height, 2);
        else if (size == 3)
          sluice_transpose_block(block, stride, place, to_stride, width, height, 3);
        else
          sluice_transpose_block(block, stride, place, to_stride, width, height, 4);
      }
}

#ifdef __x86_64__
typedef uint8_t sluice_bytes32 __attribute__((vector_size(32)));

// Within each half of 16 bytes.
#define SLUICE_LOW_HALVES(a, b)                                                                                      \
  __builtin_shufflevector(                                                                                           \
      a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53,  \
      22, 54, 23, 55)
#define SLUICE_HIGH_HALVES(a, b)                                                                                    \
  __builtin_shufflevector(                                                                                          \
      a, b, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, \
      61, 30, 62, 31, 63)

// Two blocks of 16x16 bytes side by side, which go below each other.
__attribute__((target("avx2"))) static inline void sluice_transpose_32x16(
    const uint8_t *from, ptrdiff_t stride, uint8_t *to, ptrdiff_t to_stride) {
  sluice_bytes32 a[16], b[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) memcpy(&a[i], from + i * stride, 32);
  SLUICE_INTERLEAVE_ROWS(a, b, SLUICE_LOW_HALVES, SLUICE_HIGH_HALVES)
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i++) {
    memcpy(to + i * to_stride, &a[i], 16);
    memcpy(to + (16 + i) * to_stride, (const uint8_t *)&a[i] + 16, 16);
  }
}

// A plane of single bytes. Those of a picture of 1280x720 take 95 us, and 130 by `sluice_transpose_plain`.
__attribute__((target("avx2"))) static inline void sluice_transpose_avx2(
    const uint8_t *from, ptrdiff_t stride, uint8_t *to, ptrdiff_t to_stride, int columns, int rows) {
  for (int band = 0; band < rows; band += 64)
    for (int x = 0; x < columns; x += 32)
      for (int y = band; y < rows && y < band + 64; y += 16) {
        const uint8_t *block = from + y * stride + x;
        uint8_t *place = to + x * to_stride + y;
        int width = columns - x < 32 ? columns - x : 32, height = rows - y < 16 ? rows - y : 16;
        if (x % 64 == 0) sluice_prefetch_rows(block, stride, height);
        if (y == band) sluice_prefetch_columns(place, to_stride, width);
        if (width == 32 && height == 16)
          sluice_transpose_32x16(block, stride, place, to_stride);
        else
          sluice_transpose_block(block, stride, place, to_stride, width, height, 1);
      }
}
#endif

// The plane, by the fastest way that this CPU has. Strides may be negative.
static inline void sluice_transpose(
    const uint8_t *from, ptrdiff_t stride, uint8_t *to, ptrdiff_t to_stride, int columns, int rows, int size) {
#ifdef __x86_64__
  if (size == 1 && __builtin_cpu_supports("avx2"))
    return sluice_transpose_avx2(from, stride, to, to_stride, columns, rows);
#endif
  sluice_transpose_plain(from, stride, to, to_stride, columns, rows, size);
}

// The pixels of a row, the last one first.
static inline void sluice_mirror(const uint8_t *from, uint8_t *to, int columns, int size) {
  int x = 0;
  if (size == 1)
    for (; x + 8 <= columns; x += 8) {
      uint64_t bytes;
      memcpy(&bytes, from + x, 8);
      bytes = __builtin_bswap64(bytes);
      memcpy(to + columns - 8 - x, &bytes, 8);
    }
  for (; x < columns; x++) memcpy(to + (columns - 1 - x) * size, from + x * size, size);
}
