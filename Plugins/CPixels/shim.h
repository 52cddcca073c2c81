// BGRA to 4:2:0 in integers, the same on every processor: SSE2, which every x86-64 has, computes what the plain loop does.
#ifndef CPIXELS_SHIM_H
#define CPIXELS_SHIM_H
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Of blue, green and red, in 1/32,768.
struct pixels_matrix {
  int16_t y[3], u[3], v[3];
};

static inline uint8_t pixels_luma(const uint8_t *p, const int16_t c[3]) {
  return (uint8_t)((p[0] * c[0] + p[1] * c[1] + p[2] * c[2] + (16 << 15) + (1 << 14)) >> 15);
}

// Of the four pixels of a square.
static inline uint8_t pixels_chroma(const uint8_t *a, const uint8_t *b, const int16_t c[3]) {
  int sum = (128 << 17) + (1 << 16);
  for (int i = 0; i < 3; i++) sum += (a[i] + a[4 + i] + b[i] + b[4 + i]) * c[i];
  return (uint8_t)(sum >> 17);
}

#ifdef __SSE2__
static inline __m128i pixels_weights(const int16_t c[3]) {
  return _mm_set_epi16(0, c[2], c[1], c[0], 0, c[2], c[1], c[0]);
}

// Both sums of each of four pixels, 16 bits a sample, to four sums.
static inline __m128i pixels_sums(__m128i first, __m128i second, __m128i weights) {
  __m128 a = _mm_castsi128_ps(_mm_madd_epi16(first, weights)), b = _mm_castsi128_ps(_mm_madd_epi16(second, weights));
  return _mm_add_epi32(
      _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)), _mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd)));
}

static inline __m128i pixels_luma4(__m128i pixels, __m128i weights) {
  __m128i zero = _mm_setzero_si128();
  __m128i sums = pixels_sums(_mm_unpacklo_epi8(pixels, zero), _mm_unpackhi_epi8(pixels, zero), weights);
  return _mm_srai_epi32(_mm_add_epi32(sums, _mm_set1_epi32((16 << 15) + (1 << 14))), 15);
}

static inline void pixels_luma16(const __m128i p[4], __m128i weights, uint8_t *out) {
  __m128i low = _mm_packs_epi32(pixels_luma4(p[0], weights), pixels_luma4(p[1], weights));
  __m128i high = _mm_packs_epi32(pixels_luma4(p[2], weights), pixels_luma4(p[3], weights));
  _mm_storeu_si128((__m128i *)out, _mm_packus_epi16(low, high));
}

// Two squares of 2 × 2 pixels to two pixels of 16-bit sums.
static inline __m128i pixels_squares(__m128i above, __m128i below) {
  __m128i zero = _mm_setzero_si128();
  __m128i left = _mm_add_epi16(_mm_unpacklo_epi8(above, zero), _mm_unpacklo_epi8(below, zero));
  __m128i right = _mm_add_epi16(_mm_unpackhi_epi8(above, zero), _mm_unpackhi_epi8(below, zero));
  return _mm_add_epi16(_mm_unpacklo_epi64(left, right), _mm_unpackhi_epi64(left, right));
}

static inline void pixels_chroma8(const __m128i squares[4], __m128i weights, uint8_t *out) {
  __m128i half = _mm_set1_epi32((128 << 17) + (1 << 16));
  __m128i low = _mm_srai_epi32(_mm_add_epi32(pixels_sums(squares[0], squares[1], weights), half), 17);
  __m128i high = _mm_srai_epi32(_mm_add_epi32(pixels_sums(squares[2], squares[3], weights), half), 17);
  __m128i eight = _mm_packs_epi32(low, high);
  _mm_storel_epi64((__m128i *)out, _mm_packus_epi16(eight, eight));
}
#endif

// Two rows of BGRA, an even number of pixels each, to two of luma and one of each chroma.
static inline void pixels_bgra_rows(
    const uint8_t *above, const uint8_t *below, ptrdiff_t width, uint8_t *y_above, uint8_t *y_below, uint8_t *u,
    uint8_t *v, const struct pixels_matrix *matrix) {
  ptrdiff_t x = 0;
#ifdef __SSE2__
  __m128i wy = pixels_weights(matrix->y), wu = pixels_weights(matrix->u), wv = pixels_weights(matrix->v);
  for (; x + 16 <= width; x += 16) {
    __m128i a[4], b[4], squares[4];
    for (int i = 0; i < 4; i++) {
      a[i] = _mm_loadu_si128((const __m128i *)(above + 4 * x) + i);
      b[i] = _mm_loadu_si128((const __m128i *)(below + 4 * x) + i);
      squares[i] = pixels_squares(a[i], b[i]);
    }
    pixels_luma16(a, wy, y_above + x);
    pixels_luma16(b, wy, y_below + x);
    pixels_chroma8(squares, wu, u + x / 2);
    pixels_chroma8(squares, wv, v + x / 2);
  }
#endif
  for (; x < width; x += 2) {
    const uint8_t *a = above + 4 * x, *b = below + 4 * x;
    y_above[x] = pixels_luma(a, matrix->y);
    y_above[x + 1] = pixels_luma(a + 4, matrix->y);
    y_below[x] = pixels_luma(b, matrix->y);
    y_below[x + 1] = pixels_luma(b + 4, matrix->y);
    u[x / 2] = pixels_chroma(a, b, matrix->u);
    v[x / 2] = pixels_chroma(a, b, matrix->v);
  }
}

#endif
