#!/usr/bin/python3
"""Makes statistics.json: values of the statistics in base/statistics.ts from scipy and mpmath.

    /usr/bin/python3 packages/core/test/statistics/goldens/make-statistics-goldens.py [output folder]

Each limit starts from scipy (Boost, Cephes) and is polished by Newton's method on mpmath's
incomplete beta with 60 digits; where the two differ by more than 1e-6 relative, the script stops.
"""
import json
import os
import sys

import mpmath as mp
import scipy
from scipy import stats

mp.mp.dps = 60
HERE = os.path.dirname(os.path.abspath(__file__))


def upper_tail(p, a, b):
    """I_p(a, b) for whole a, b as a sum of binomial terms (60 digits): Pr[Bin(a+b-1, p) >= a], from the largest term down."""
    n = a + b - 1
    term = mp.binomial(n, a) * mp.power(p, a) * mp.power(1 - p, n - a)
    total, j = mp.mpf(0), a
    while j <= n and term > total * mp.mpf(10) ** -50:
        total += term
        term *= mp.mpf(n - j) / (j + 1) * p / (1 - p)
        j += 1
    return total


def quantile(q, a, b):
    """p with I_p(a, b) = q, for q below about 1/2."""
    start = mp.mpf(float(stats.beta.ppf(float(q), a, b)))
    p = start
    for _ in range(50):
        density = mp.exp((a - 1) * mp.log(p) + (b - 1) * mp.log(1 - p) - mp.log(mp.beta(a, b)))
        step = (upper_tail(p, a, b) - q) / density
        p -= step
        if abs(step) < p * mp.mpf(10) ** -30:
            break
    assert abs(p - start) < mp.mpf(10) ** -6 * p, (q, a, b, start, p)
    return p


def limits(k, n, delta):
    half = mp.mpf(delta) / 2
    low = mp.mpf(0) if k == 0 else quantile(half, k, n - k + 1)
    high = mp.mpf(1) if k == n else 1 - quantile(half, n - k, k + 1)
    return low, high


clopper_pearson = []
for n in [1, 2, 10, 57, 1000, 100_000, 10_000_000]:
    for k in sorted({0, 1, 2, n // 3, n // 2, n - 2, n - 1, n}):
        for delta in [0.5, 0.05, 1e-6, 1e-12]:
            # Sums near the middle of ten million trials take a minute each; the tails cover the algorithm.
            if 0 <= k <= n and (n <= 100_000 or min(k, n - k) <= 2):
                low, high = limits(k, n, delta)
                clopper_pearson.append([k, n, delta, float(low), float(high)])

incomplete_beta = []
for a, b in [(0.5, 0.5), (1, 3), (2.5, 0.1), (10, 20), (0.01, 5), (300, 200), (1e5, 3e5), (1e6, 2e6)]:
    centre = a / (a + b)
    spread = (a * b / (a + b) ** 2 / (a + b + 1)) ** 0.5
    for z in [-6, -2, -0.5, 0, 0.5, 2, 6]:
        x = centre + z * spread
        if 0 < x < 1:
            if a == int(a) and b == int(b):
                value = upper_tail(mp.mpf(x), int(a), int(b))
            else:
                value = mp.betainc(mp.mpf(a), mp.mpf(b), 0, mp.mpf(x), regularized=True)
            assert abs(value - stats.beta.cdf(x, a, b)) < 1e-6 * value
            incomplete_beta.append([x, a, b, float(value)])

normal_quantile = [
    [p, float(mp.sqrt(2) * mp.erfinv(2 * mp.mpf(p) - 1))]
    for p in [1e-16, 1e-12, 1e-6, 0.001, 0.025, 0.07, 0.08, 0.25, 0.5, 0.6, 0.9, 0.975, 0.999999]
] + [[p, float(stats.norm.ppf(p))] for p in [1e-300, 1e-100]]

folder = sys.argv[1] if len(sys.argv) > 1 else HERE
path = os.path.join(folder, "statistics.json")
content = {
    "about": "rows: clopperPearson [successes, trials, confidenceDelta, low, high] two-sided; incompleteBeta [x, a, b, value]; normalQuantile [p, z]",
    "madeBy": {
        "script": "packages/core/test/statistics/goldens/make-statistics-goldens.py",
        "scipy": scipy.__version__,
        "mpmath": mp.__version__,
    },
    "clopperPearson": clopper_pearson,
    "incompleteBeta": incomplete_beta,
    "normalQuantile": normal_quantile,
}
with open(path, "w", newline="\n") as file:
    file.write(json.dumps(content, separators=(",", ":")) + "\n")
print(f"{path}: {os.path.getsize(path):,} bytes")
