// The same radix-8 transform as packages/kernels/assembly/walsh.ts in portable C: plain loops, left to the compiler to
// vectorise. (fwht8.c beside it is written with explicit vectors as wide as the machine has.)
//   gcc -O3 -march=native fwht8-plain.c -o fwht8-plain && ./fwht8-plain 20 24
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEAF 11

#define TRANSFORM(T, NAME)                                                                            \
  static void NAME##_radix8(T *restrict a, size_t s, size_t run) {                                    \
    for (size_t i = 0; i < run; i++) {                                                                \
      T x0 = a[i], x1 = a[i + s], x2 = a[i + 2 * s], x3 = a[i + 3 * s];                               \
      T x4 = a[i + 4 * s], x5 = a[i + 5 * s], x6 = a[i + 6 * s], x7 = a[i + 7 * s];                   \
      T a0 = x0 + x1, a1 = x0 - x1, a2 = x2 + x3, a3 = x2 - x3;                                       \
      T a4 = x4 + x5, a5 = x4 - x5, a6 = x6 + x7, a7 = x6 - x7;                                       \
      T b0 = a0 + a2, b1 = a1 + a3, b2 = a0 - a2, b3 = a1 - a3;                                       \
      T b4 = a4 + a6, b5 = a5 + a7, b6 = a4 - a6, b7 = a5 - a7;                                       \
      a[i] = b0 + b4, a[i + s] = b1 + b5, a[i + 2 * s] = b2 + b6, a[i + 3 * s] = b3 + b7;             \
      a[i + 4 * s] = b0 - b4, a[i + 5 * s] = b1 - b5, a[i + 6 * s] = b2 - b6, a[i + 7 * s] = b3 - b7; \
    }                                                                                                 \
  }                                                                                                   \
  static void NAME##_radix2(T *restrict a, size_t s) {                                                \
    for (size_t i = 0; i < s; i++) {                                                                  \
      T x = a[i], y = a[i + s];                                                                       \
      a[i] = x + y, a[i + s] = x - y;                                                                 \
    }                                                                                                 \
  }                                                                                                   \
  static void NAME(T *a, int n) {                                                                     \
    size_t size = (size_t)1 << n;                                                                     \
    if (n > LEAF) {                                                                                   \
      int parts = n - LEAF >= 3 ? 8 : 2;                                                              \
      if (parts == 8) NAME##_radix8(a, size / 8, size / 8);                                           \
      else NAME##_radix2(a, size / 2);                                                                \
      for (int p = 0; p < parts; p++) NAME(a + p * (size / parts), n - (parts == 8 ? 3 : 1));         \
      return;                                                                                         \
    }                                                                                                 \
    size_t s = 1;                                                                                     \
    for (; s * 8 <= size; s *= 8)                                                                     \
      for (size_t at = 0; at < size; at += 8 * s) NAME##_radix8(a + at, s, s);                        \
    for (; s < size; s *= 2)                                                                          \
      for (size_t at = 0; at < size; at += 2 * s) NAME##_radix2(a + at, s);                           \
  }                                                                                                   \
  static int NAME##_check(void) {                                                                     \
    for (int n = 0; n <= 12; n++) {                                                                   \
      size_t size = (size_t)1 << n;                                                                   \
      T *a = malloc(size * sizeof(T)), *b = calloc(size, sizeof(T));                                  \
      for (size_t i = 0; i < size; i++) a[i] = (T)((i * 7919) % 23) - 11;                             \
      for (size_t k = 0; k < size; k++)                                                               \
        for (size_t i = 0; i < size; i++) b[k] += __builtin_parityll(k & i) ? -a[i] : a[i];           \
      NAME(a, n);                                                                                     \
      for (size_t i = 0; i < size; i++)                                                               \
        if (a[i] != b[i]) return 0;                                                                   \
      free(a), free(b);                                                                               \
    }                                                                                                 \
    return 1;                                                                                         \
  }                                                                                                   \
  static void NAME##_time(int n, const char *type) {                                                  \
    size_t size = (size_t)1 << n;                                                                     \
    T *a = aligned_alloc(64, size * sizeof(T));                                                       \
    double best = INFINITY, times[25];                                                                \
    for (int r = 0; r < 25; r++) {                                                                    \
      for (size_t i = 0; i < size; i++) a[i] = (T)(i % 17) - 8;                                       \
      struct timespec t0, t1;                                                                         \
      clock_gettime(CLOCK_MONOTONIC, &t0);                                                            \
      NAME(a, n);                                                                                     \
      clock_gettime(CLOCK_MONOTONIC, &t1);                                                            \
      times[r] = (t1.tv_sec - t0.tv_sec) + 1e-9 * (t1.tv_nsec - t0.tv_nsec);                          \
      if (times[r] < best) best = times[r];                                                           \
    }                                                                                                 \
    for (int i = 0; i < 25; i++)                                                                      \
      for (int j = i + 1; j < 25; j++)                                                                \
        if (times[j] < times[i]) {                                                                    \
          double t = times[i];                                                                        \
          times[i] = times[j], times[j] = t;                                                          \
        }                                                                                             \
    printf("{\"ok\":true,\"n\":%d,\"type\":\"%s\",\"minSeconds\":%.9f,\"medianSeconds\":%.9f}\n", n,  \
           type, best, times[12]);                                                                    \
    free(a);                                                                                          \
  }

TRANSFORM(float, f32)
TRANSFORM(double, f64)

int main(int argc, char **argv) {
  if (!f32_check() || !f64_check()) {
    printf("{\"ok\":false,\"error\":\"wrong transform\"}\n");
    return 1;
  }
  for (int i = 1; i < argc; i++) {
    f32_time(atoi(argv[i]), "f32");
    f64_time(atoi(argv[i]), "f64");
  }
  return 0;
}
