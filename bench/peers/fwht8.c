/*
 * A fast Walsh-Hadamard transform in plain C: the bar our WebAssembly transform is held to.
 *
 *     gcc -O3 -march=native -o fwht8 bench/peers/fwht8.c && ./fwht8 20 24
 *
 * In place, unnormalised, natural (Hadamard) order: out[s] = sum over x of (-1)^popcount(s & x) in[x].
 *
 * What makes it fast: eight values are combined in registers per pass over memory (radix 8, three levels for one load and
 * one store); passes go from the largest stride down, depth first, so that once a block fits a cache all its remaining
 * levels run there; the levels inside a vector are shuffles merged into the first pass over the smallest blocks. Vectors are
 * GCC's vector extension at the machine's full width; -DVECTOR_BYTES=16 gives the width WebAssembly has. Tried and not
 * faster (n = 20 and 24, 64-byte vectors, 48 kB + 1 MB caches): radix 16, radix 64 through a scratch block, huge pages.
 *
 * Usage: fwht8 [-r repetitions] [n ...]. Checks itself against the definition for small n and against two identities for the
 * measured ones, then prints one JSON line per n and type; exits with 1 if a check fails.
 */
#ifndef REAL /* ---------------------------------------------------------------- the program; the template is below */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef VECTOR_BYTES
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#endif

/* Blocks up to this many bytes are transformed level by level, because they stay in the first-level cache. */
#ifndef SMALL_BYTES
#define SMALL_BYTES 16384
#endif

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#define REAL float
#define INTEGER int32_t
#include __FILE__
#undef REAL
#undef INTEGER

#define REAL double
#define INTEGER int64_t
#include __FILE__

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void *allocate(size_t bytes) {
  void *memory = aligned_alloc(4096, bytes < 4096 ? 4096 : bytes);
  if (memory == NULL) {
    fprintf(stderr, "fwht8: cannot allocate %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

/* Integers in [-8, 7]: their sums are exact in both types up to n = 20. */
static int sample(size_t i) { return (int)((uint32_t)((i + 1) * 2654435761u) >> 28) - 8; }

#define DEFINE_CHECKS(T)                                                                                               \
  /* The definition, O(N^2). */                                                                                        \
  static int check_definition_##T(int lg) {                                                                            \
    size_t count = (size_t)1 << lg;                                                                                    \
    T *a = allocate(count * sizeof(T));                                                                                \
    for (size_t i = 0; i < count; i++) a[i] = (T)sample(i);                                                            \
    transform_##T(a, lg);                                                                                              \
    int ok = 1;                                                                                                        \
    for (size_t s = 0; s < count; s++) {                                                                               \
      double sum = 0;                                                                                                  \
      for (size_t x = 0; x < count; x++) sum += __builtin_parityll(s & x) ? -sample(x) : sample(x);                    \
      ok &= (double)a[s] == sum;                                                                                       \
    }                                                                                                                  \
    free(a);                                                                                                           \
    if (!ok) fprintf(stderr, "fwht8: wrong result for " #T " at n=%d\n", lg);                                          \
    return ok;                                                                                                         \
  }                                                                                                                    \
  /* At full size, where the definition takes too long: a single 1 gives a known row, and twice is N times once. */    \
  static int check_large_##T(T *a, int lg) {                                                                           \
    size_t count = (size_t)1 << lg, at = (count / 3) | 1;                                                              \
    memset(a, 0, count * sizeof(T));                                                                                   \
    a[at] = 1;                                                                                                         \
    transform_##T(a, lg);                                                                                              \
    int ok = 1;                                                                                                        \
    for (size_t s = 0; s < count; s++) ok &= a[s] == (__builtin_parityll(s & at) ? -1 : 1);                            \
    for (size_t i = 0; i < count; i++) a[i] = (T)(sample(i) * (i % 64 == 5));                                          \
    transform_##T(a, lg);                                                                                              \
    transform_##T(a, lg);                                                                                              \
    double worst = 0;                                                                                                  \
    for (size_t i = 0; i < count; i++) {                                                                               \
      double error = fabs((double)a[i] / (double)count - sample(i) * (i % 64 == 5));                                   \
      if (error > worst) worst = error;                                                                                \
    }                                                                                                                  \
    ok &= worst < (sizeof(T) == 4 ? 1e-3 : 1e-10);                                                                     \
    if (!ok) fprintf(stderr, "fwht8: wrong result for " #T " at n=%d\n", lg);                                          \
    return ok;                                                                                                         \
  }                                                                                                                    \
  static int measure_##T(int lg, int repetitions, const char *name) {                                                  \
    size_t count = (size_t)1 << lg;                                                                                    \
    T *a = allocate(count * sizeof(T));                                                                                \
    int ok = check_large_##T(a, lg);                                                                                   \
    double *times = malloc((size_t)repetitions * sizeof(double));                                                      \
    for (int r = -2; r < repetitions; r++) {                                                                           \
      /* Refilled outside the clock: repeated transforms would grow to infinity. */                                    \
      for (size_t i = 0; i < count; i++) a[i] = (T)sample(i);                                                          \
      double start = seconds();                                                                                        \
      transform_##T(a, lg);                                                                                            \
      double time = seconds() - start;                                                                                 \
      if (r >= 0) times[r] = time;                                                                                     \
    }                                                                                                                  \
    qsort(times, (size_t)repetitions, sizeof(double), ascending);                                                      \
    printf("{\"ok\":%s,\"n\":%d,\"type\":\"%s\",\"minSeconds\":%.9f,\"medianSeconds\":%.9f,\"repetitions\":%d,"        \
           "\"vectorBytes\":%d,\"compiler\":\"gcc %s\"}\n",                                                            \
           ok ? "true" : "false", lg, name, times[0], times[repetitions / 2], repetitions, VECTOR_BYTES, __VERSION__); \
    free(times);                                                                                                       \
    free(a);                                                                                                           \
    return ok;                                                                                                         \
  }

DEFINE_CHECKS(float)
DEFINE_CHECKS(double)

int main(int argc, char **argv) {
  int repetitions = 0, measured = 0, ok = 1;
  for (int lg = 0; lg <= 12; lg++) ok &= check_definition_float(lg) & check_definition_double(lg);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-r") == 0 && i + 1 < argc) {
      repetitions = atoi(argv[++i]);
      continue;
    }
    int lg = atoi(argv[i]);
    if (lg < 1 || lg > 30) {
      fprintf(stderr, "fwht8: n is %s, expected 1 to 30\n", argv[i]);
      return 2;
    }
    int times = repetitions > 0 ? repetitions : lg <= 20 ? 201 : 21;
    ok &= measure_float(lg, times, "f32") & measure_double(lg, times, "f64");
    measured++;
  }
  if (measured == 0) fprintf(stderr, "fwht8: checked n = 0..12: %s; give n to measure\n", ok ? "ok" : "FAILED");
  return ok ? 0 : 1;
}

#else /* ------------------------------------------------------- the transform, included once for each REAL */

#define V JOIN(vector, REAL)
#define M JOIN(mask, REAL)
#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))
#define NAME(name) JOIN(name, REAL)

typedef REAL V __attribute__((vector_size(VECTOR_BYTES)));
typedef INTEGER M __attribute__((vector_size(VECTOR_BYTES)));

/* All levels across `count` registers (a power of two, known when inlined). */
INLINE void NAME(across)(V *v, int count) {
#pragma GCC unroll 3
  for (int h = 1; h < count; h *= 2) {
#pragma GCC unroll 8
    for (int k = 0; k < count; k++) {
      if (k & h) continue;
      V a = v[k], b = v[k + h];
      v[k] = a + b;
      v[k + h] = a - b;
    }
  }
}

/* All levels inside one register: lane i becomes v[i ^ h] + v[i], or v[i ^ h] - v[i] where i has bit h. */
INLINE V NAME(within)(V v) {
#pragma GCC unroll 4
  for (int h = 1; h < LANES; h *= 2) {
    M partner;
    V sign;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) {
      partner[i] = i ^ h;
      sign[i] = i & h ? -1 : 1;
    }
    v = v * sign + __builtin_shuffle(v, partner);
  }
  return v;
}

/* log2(radix) levels at strides step, 2 step, ... (step elements, a multiple of LANES), over `count` blocks of radix * step. */
INLINE void NAME(levels)(REAL *a, size_t step, size_t count, const int radix) {
  for (size_t block = 0; block < count; block++, a += step * (size_t)radix) {
    for (size_t j = 0; j < step; j += LANES) {
      V v[8];
#pragma GCC unroll 8
      for (int k = 0; k < radix; k++) v[k] = *(V *)(a + (size_t)k * step + j);
      NAME(across)(v, radix);
#pragma GCC unroll 8
      for (int k = 0; k < radix; k++) *(V *)(a + (size_t)k * step + j) = v[k];
    }
  }
}

/* A block that stays in the first-level cache: smallest strides first, level by level. */
static void NAME(small)(REAL *a, int lg) {
  const size_t count = (size_t)1 << lg;
  size_t step = 8 * LANES;
  if (count < step) {
    for (size_t h = 1; h < count; h *= 2) {
      for (size_t i = 0; i < count; i++) {
        if (i & h) continue;
        REAL x = a[i], y = a[i + h];
        a[i] = x + y;
        a[i + h] = x - y;
      }
    }
    return;
  }
  for (size_t i = 0; i < count; i += step) {
    V v[8];
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) v[k] = NAME(within)(*(V *)(a + i + k * LANES));
    NAME(across)(v, 8);
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++) *(V *)(a + i + k * LANES) = v[k];
  }
  for (; count / step >= 8; step *= 8) NAME(levels)(a, step, count / step / 8, 8);
  if (count / step == 4) NAME(levels)(a, step, 1, 4);
  if (count / step == 2) NAME(levels)(a, step, 1, 2);
}

static void NAME(transform)(REAL *a, int lg) {
  const size_t bytes = sizeof(REAL) << lg;
  if (bytes <= SMALL_BYTES) {
    NAME(small)(a, lg);
    return;
  }
  int bits = bytes >= 8 * SMALL_BYTES ? 3 : bytes >= 4 * SMALL_BYTES ? 2 : 1;
  const size_t step = (size_t)1 << (lg - bits);
  if (bits == 3) NAME(levels)(a, step, 1, 8);
  if (bits == 2) NAME(levels)(a, step, 1, 4);
  if (bits == 1) NAME(levels)(a, step, 1, 2);
  for (size_t k = 0; k < (size_t)1 << bits; k++) NAME(transform)(a + k * step, lg - bits);
}

#undef V
#undef M
#undef LANES
#undef NAME
#endif
