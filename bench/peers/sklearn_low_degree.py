#!/usr/bin/python3
"""scikit-learn's side of the low-degree benchmark: PolynomialFeatures + Ridge(solver="lsqr") in f64, one thread.

    OPENBLAS_NUM_THREADS=1 /usr/bin/python3 bench/peers/sklearn_low_degree.py n d m planes.bin y.bin [options]

Both sides read the same data. planes.bin: byte planes as in packages/core/src/cube/points.ts, ceil(n/8) * m bytes, bit j of
byte p*m + i is coordinate 8p+j of row i, bit 1 is x = -1. y.bin: m f64, little endian.

  --truth truth.json   {"subsets": [[...]], "coefficients": [...]}: the planted terms, for maxCoefError
  --make SEED          first write planes.bin and y.bin (and truth.json, if named) with the planted problem: uniform bits,
                       50 distinct monomials of degree exactly d with coefficients +-[1, 2), plus Gaussian noise of 0.1

Prints one line of JSON: {"ok": true, expandSeconds, fitSeconds, ...}, or {"ok": false, "error": ...} if it runs out of
memory (run it under `ulimit -v` so that it does so before the machine does). Reading the files and building the f64 matrix
of +1 and -1 that scikit-learn starts from is readSeconds, counted in neither expandSeconds nor fitSeconds. The peer gets its best case:
copy_X=False (Ridge would otherwise hold a second copy) and no intercept to centre for, the constant being a column.
"""
import os

# Before numpy is loaded: OpenBLAS reads it once.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import resource
import time
from math import comb


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def column_of(subset, n):
    """Position of a monomial among PolynomialFeatures' columns: by degree, then lexicographic."""
    degree = len(subset)
    position = sum(comb(n, k) for k in range(degree))
    previous = -1
    for place, j in enumerate(subset):
        position += sum(comb(n - 1 - i, degree - 1 - place) for i in range(previous + 1, j))
        previous = j
    return position


def unpack(planes, n, m):
    """The m x n matrix of +1.0 and -1.0 from byte planes."""
    import numpy as np

    x = np.empty((m, n))
    for j in range(n):
        x[:, j] = 1.0 - 2.0 * ((planes[j >> 3] >> (j & 7)) & 1)
    return x


def make(args):
    import numpy as np

    rng = np.random.default_rng(args.make)
    n, d, m = args.n, args.d, args.m
    bits = rng.integers(0, 2, (-(-n // 8) * 8, m), dtype=np.uint8)
    bits[n:] = 0
    planes = np.packbits(bits.reshape(-1, 8, m), axis=1, bitorder="little")[:, 0, :]
    wanted = min(50, comb(n, d))
    subsets = set()
    while len(subsets) < wanted:
        subsets.add(tuple(sorted(rng.choice(n, d, replace=False).tolist())))
    subsets = sorted(subsets)
    coefficients = (1 + rng.random(wanted)) * rng.choice([-1.0, 1.0], wanted)
    y = 0.1 * rng.standard_normal(m)
    for subset, coefficient in zip(subsets, coefficients):
        y += coefficient * (1.0 - 2.0 * np.bitwise_xor.reduce(bits[list(subset)], axis=0))
    planes.tofile(args.planes)
    y.astype("<f8").tofile(args.y)
    if args.truth:
        with open(args.truth, "w") as file:
            json.dump({"subsets": [list(s) for s in subsets], "coefficients": coefficients.tolist()}, file)


def measure(args):
    import numpy as np
    import scipy
    import sklearn
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import PolynomialFeatures

    n, d, m = args.n, args.d, args.m
    loaded = peak_bytes()
    start = time.perf_counter()
    planes = np.fromfile(args.planes, dtype=np.uint8)
    if planes.size != -(-n // 8) * m:
        raise ValueError(f"{args.planes} has {planes.size} bytes, expected {-(-n // 8) * m} for n={n}, m={m}")
    y = np.fromfile(args.y, dtype="<f8")
    if y.size != m:
        raise ValueError(f"{args.y} has {y.size} numbers, expected {m}")
    x = unpack(planes.reshape(-1, m), n, m)
    del planes
    read = time.perf_counter()
    cpu = time.process_time()
    expanded = PolynomialFeatures(d, interaction_only=True).fit_transform(x)
    middle = time.perf_counter()
    model = Ridge(alpha=1e-9, fit_intercept=False, copy_X=False, solver="lsqr", tol=1e-6).fit(expanded, y)
    end = time.perf_counter()
    result = {
        "ok": True,
        "n": n,
        "d": d,
        "m": m,
        "monomialCount": int(expanded.shape[1]),
        "readSeconds": read - start,
        "expandSeconds": middle - read,
        "fitSeconds": end - middle,
        "cpuSeconds": time.process_time() - cpu,
        # Before the checks below, which are not the peer's work.
        "peakBytes": peak_bytes(),
        "loadedBytes": loaded,
        "iterations": int(np.max(model.n_iter_)),
    }
    residual = y - expanded @ model.coef_
    gradient = expanded.T @ residual - 1e-9 * model.coef_
    result["relativeGradient"] = float(np.linalg.norm(gradient) / np.linalg.norm(expanded.T @ y))
    result["residualRms"] = float(np.sqrt(np.mean(residual**2)))
    if args.truth:
        with open(args.truth) as file:
            planted = json.load(file)
        truth = np.zeros(expanded.shape[1])
        for subset, coefficient in zip(planted["subsets"], planted["coefficients"]):
            truth[column_of(sorted(subset), n)] = coefficient
        result["maxCoefError"] = float(np.max(np.abs(model.coef_ - truth)))
        result["foundCount"] = int(np.sum((np.abs(model.coef_) > 0.5) & (truth != 0)))
        result["falseCount"] = int(np.sum((np.abs(model.coef_) > 0.5) & (truth == 0)))
    result["versions"] = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["n", "d", "m"]:
        parser.add_argument(name, type=int)
    parser.add_argument("planes")
    parser.add_argument("y")
    parser.add_argument("--truth")
    parser.add_argument("--make", type=int, metavar="SEED")
    args = parser.parse_args()
    try:
        if args.make is not None:
            make(args)
        result = measure(args)
    except MemoryError as error:
        result = {"ok": False, "error": f"MemoryError {error}".strip(), "peakBytes": peak_bytes()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
