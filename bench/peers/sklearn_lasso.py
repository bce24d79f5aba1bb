#!/usr/bin/python3
"""scikit-learn's side of the lasso benchmark: PolynomialFeatures + Lasso in f64, one thread.

    /usr/bin/python3 bench/peers/sklearn_lasso.py n d m planes.bin y.bin lambda

The files are those of sklearn_low_degree.py. Lasso's tol is on the gap over the sum of squares of the centred target, so
tol = 5e-5 is a gap of 1e-4 of the best constant's objective, as on the other sides. The objective and the gap are computed
anew afterwards, outside the time. Prints one line of JSON; run it under `ulimit -v`.
"""
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import json
import resource
import sys
import time


def main():
    n, d, m = map(int, sys.argv[1:4])
    alpha = float(sys.argv[6])
    try:
        import numpy as np
        from sklearn.linear_model import Lasso
        from sklearn.preprocessing import PolynomialFeatures

        planes = np.fromfile(sys.argv[4], dtype=np.uint8).reshape(-1, m)
        y = np.fromfile(sys.argv[5], dtype="<f8")
        x = np.empty((m, n))
        for j in range(n):
            x[:, j] = 1.0 - 2.0 * ((planes[j >> 3] >> (j & 7)) & 1)
        start = time.perf_counter()
        columns = PolynomialFeatures(d, interaction_only=True, include_bias=False, order="F").fit_transform(x)
        middle = time.perf_counter()
        model = Lasso(alpha=alpha, tol=5e-5, max_iter=100_000).fit(columns, y)
        end = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        residual = y - model.predict(columns)
        centred = y - y.mean()
        primal = residual @ residual / (2 * m) + alpha * np.abs(model.coef_).sum()
        largest = np.abs(columns.T @ residual).max() / m
        scale = min(centred @ residual / (residual @ residual), alpha / largest)
        dual = (scale * (centred @ residual) - scale**2 * (residual @ residual) / 2) / m
        result = {
            "ok": True,
            "monomialCount": columns.shape[1] + 1,
            "expandSeconds": middle - start,
            "fitSeconds": end - middle,
            "peakBytes": peak,
            "objective": primal,
            "relativeGap": (primal - dual) / (centred @ centred / (2 * m)),
            "termCount": int(np.count_nonzero(model.coef_)),
        }
    except MemoryError as error:
        result = {"ok": False, "error": f"MemoryError {error}".strip()}
    print(json.dumps(result))


main()
