#!/usr/bin/python3
"""numpy's side of the network benchmark: (X @ W.T - b).clip(0) @ u in f64, one thread.

    /usr/bin/python3 bench/peers/numpy_network.py n s m folder

folder holds planes (byte planes as in packages/core/src/cube/points.ts), w ([s][n]), b and u, f64 little endian. Making
the matrix of +1.0 and -1.0 is not counted. The expression is timed as it stands, on 100,000 rows at a time so that its
temporaries fit in memory (`wholeSeconds`), and in its best case: batches whose preactivations stay in cache, every step in
place, the best of three batch sizes (`bestSeconds`). Prints one line of JSON.
"""
import os

# Before numpy is loaded: OpenBLAS reads it once.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import json
import sys
import time

import numpy as np


def in_batches(x, w, b, u, size):
    z = np.empty((size, len(b)))
    values = np.empty(len(x))
    for start in range(0, len(x), size):
        batch = x[start : start + size]
        out = z[: len(batch)]
        np.matmul(batch, w.T, out=out)
        out -= b
        np.maximum(out, 0, out=out)
        np.matmul(out, u, out=values[start : start + len(batch)])
    return values


def main():
    n, s, m = map(int, sys.argv[1:4])
    folder = sys.argv[4]
    planes = np.fromfile(os.path.join(folder, "planes"), dtype=np.uint8).reshape(-1, m)
    w = np.fromfile(os.path.join(folder, "w"), dtype="<f8").reshape(s, n)
    b = np.fromfile(os.path.join(folder, "b"), dtype="<f8")
    u = np.fromfile(os.path.join(folder, "u"), dtype="<f8")
    x = np.empty((m, n))
    for j in range(n):
        x[:, j] = 1.0 - 2.0 * ((planes[j >> 3] >> (j & 7)) & 1)
    batches = {}
    for size in [256, 1024, 4096]:
        start = time.perf_counter()
        values = in_batches(x, w, b, u, size)
        batches[size] = time.perf_counter() - start
    start = time.perf_counter()
    for row in range(0, m, 100_000):
        (x[row : row + 100_000] @ w.T - b).clip(0) @ u
    whole = time.perf_counter() - start
    rows = list(range(0, m, max(1, m // 100)))
    print(
        json.dumps(
            {
                "ok": True,
                "bestSeconds": min(batches.values()),
                "batchSeconds": batches,
                "wholeSeconds": whole,
                "rows": rows,
                "values": values[rows].tolist(),
                "numpy": np.__version__,
            }
        )
    )


main()
